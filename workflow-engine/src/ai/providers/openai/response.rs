//! The response body.

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
    /// OpenRouter reports errors of its upstream providers with status 200.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: MessageBody,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

/// The message of the model, or a delta of it.
#[derive(Default, Deserialize)]
pub(super) struct MessageBody {
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
    /// The field of OpenRouter and newer servers.
    #[serde(default)]
    reasoning: Option<String>,
    /// The field of DeepSeek and compatible servers.
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<WireCall>>,
}

impl MessageBody {
    pub(super) fn reasoning(&mut self) -> Option<String> {
        let texts = [self.reasoning.take(), self.reasoning_content.take()];
        texts.into_iter().flatten().find(|text| !text.is_empty())
    }
}

/// Converts a response. `request` is the body that was sent, if it is available, so that its texts are redacted from
/// errors.
pub(super) fn response(
    endpoint: &Endpoint,
    completion: Completion,
    request: Option<&Value>,
) -> Result<GenerateResponse, AiError> {
    let usage = completion.usage.map(Usage::from);
    let with_usage = |error: AiError| match usage {
        Some(usage) => error.with_usage(usage),
        None => error,
    };
    if let Some(error) = completion.error {
        return Err(with_usage(endpoint.reported(&error, None, request)));
    }
    let Some(mut choice) = completion.choices.into_iter().next() else {
        return Err(with_usage(endpoint.malformed("it has no `choices`")));
    };
    if let Some(error) = choice.error {
        return Err(with_usage(endpoint.reported(&error, None, request)));
    }
    if choice.message.refusal.as_deref().is_some_and(|text| !text.is_empty()) {
        return Err(with_usage(refused(endpoint)));
    }
    let reasoning = choice.message.reasoning();
    let mut calls = Calls::default();
    choice.message.tool_calls.into_iter().flatten().for_each(|call| calls.add(call));
    let finish_reason = finish_reason(choice.finish_reason.as_deref(), !calls.is_empty());
    let Ok(tool_calls) = calls.finish() else {
        return Err(with_usage(invalid_arguments(endpoint)));
    };
    Ok(GenerateResponse {
        text: choice.message.content.unwrap_or_default(),
        reasoning,
        tool_calls,
        usage: usage.unwrap_or_default(),
        finish_reason,
    })
}

/// Converts the finish reason. Some servers send `stop` with tool calls.
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

/// Creates the error for a refusal. Its text is a response, which no error contains.
pub(super) fn refused(endpoint: &Endpoint) -> AiError {
    let message = format!("the model of provider `{}` declined to answer", endpoint.provider());
    AiError::new(AiErrorKind::Refused, message)
}

pub(super) fn invalid_arguments(endpoint: &Endpoint) -> AiError {
    endpoint.malformed("the arguments of a tool call are not JSON")
}
