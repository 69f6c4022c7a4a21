//! An answer in one piece.

use serde::Deserialize;
use serde_json::Value;

use super::tools::{Calls, WireCall};
use super::usage::WireUsage;
use crate::ai::http::Endpoint;
use crate::ai::response::{FinishReason, GenerateResponse};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

#[derive(Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<WireUsage>,
    /// OpenRouter tells failures of those behind it with status 200.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

/// What the model says: all of it, or a piece.
#[derive(Default, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
    /// OpenRouter, and newer servers.
    #[serde(default)]
    reasoning: Option<String>,
    /// DeepSeek, and those who follow it.
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<WireCall>>,
}

impl Said {
    pub(super) fn reasoning(&mut self) -> Option<String> {
        let texts = [self.reasoning.take(), self.reasoning_content.take()];
        texts.into_iter().flatten().find(|text| !text.is_empty())
    }
}

/// `request` is the body that was sent, where it is known, so that errors can leave it out.
pub(super) fn response(
    endpoint: &Endpoint,
    completion: Completion,
    request: Option<&Value>,
) -> Result<GenerateResponse, AiError> {
    let usage = completion.usage.map(Usage::from);
    let spent = |error: AiError| match usage {
        Some(usage) => error.with_usage(usage),
        None => error,
    };
    if let Some(error) = completion.error {
        return Err(spent(endpoint.reported(&error, None, request)));
    }
    let Some(mut choice) = completion.choices.into_iter().next() else {
        return Err(spent(endpoint.malformed("it has no `choices`")));
    };
    if let Some(error) = choice.error {
        return Err(spent(endpoint.reported(&error, None, request)));
    }
    if choice.message.refusal.is_some_and_text() {
        return Err(spent(refused(endpoint)));
    }
    let reasoning = choice.message.reasoning();
    let mut calls = Calls::default();
    choice.message.tool_calls.into_iter().flatten().for_each(|call| calls.add(call));
    let finish_reason = finish_reason(choice.finish_reason.as_deref(), !calls.is_empty());
    let Ok(tool_calls) = calls.finish() else {
        return Err(spent(no_json(endpoint)));
    };
    Ok(GenerateResponse {
        text: choice.message.content.unwrap_or_default(),
        reasoning,
        tool_calls,
        usage: usage.unwrap_or_default(),
        finish_reason,
    })
}

/// Some servers say `stop` where they want tools called.
pub(super) fn finish_reason(name: Option<&str>, has_calls: bool) -> FinishReason {
    match name {
        Some("stop") if has_calls => FinishReason::ToolCalls,
        Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
        Some("content_filter") => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

/// The words of a refusal are an answer, which no error shows.
pub(super) fn refused(endpoint: &Endpoint) -> AiError {
    let message = format!("the model of provider `{}` declined to answer", endpoint.provider());
    AiError::new(AiErrorKind::Refused, message)
}

pub(super) fn no_json(endpoint: &Endpoint) -> AiError {
    endpoint.malformed("the model has called a tool with what is no JSON")
}

pub(super) trait SomeText {
    fn is_some_and_text(&self) -> bool;
}

impl SomeText for Option<String> {
    fn is_some_and_text(&self) -> bool {
        self.as_deref().is_some_and(|text| !text.is_empty())
    }
}
