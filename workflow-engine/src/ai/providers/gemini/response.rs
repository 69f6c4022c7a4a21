//! The response body.

use serde::Deserialize;
use serde_json::{Value, json};

use super::content::generated_id;
use crate::ai::http::Endpoint;
use crate::ai::message::ToolCall;
use crate::ai::response::{FinishReason, GenerateResponse};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

/// The body of a `generateContent` response, and of each event of its stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResponseBody {
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    #[serde(default)]
    pub prompt_feedback: Option<PromptFeedback>,
    #[serde(default)]
    pub usage_metadata: Option<UsageBody>,
    #[serde(default)]
    pub response_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(default)]
    pub content: Option<Content>,
    #[serde(default)]
    pub finish_reason: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Content {
    #[serde(default)]
    pub parts: Vec<PartBody>,
}

/// A part of a response. Fields of the provider's own tools are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PartBody {
    #[serde(default)]
    pub text: Option<String>,
    /// Whether the text is reasoning.
    #[serde(default)]
    pub thought: bool,
    #[serde(default)]
    pub thought_signature: Option<String>,
    #[serde(default)]
    pub function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall {
    #[serde(default)]
    pub id: Option<String>,
    pub name: String,
    #[serde(default)]
    pub args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PromptFeedback {
    #[serde(default)]
    block_reason: Option<String>,
}

/// Token counts, cumulative in a stream.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageBody {
    #[serde(rename = "promptTokenCount")]
    prompt: u64,
    #[serde(rename = "cachedContentTokenCount")]
    cached: u64,
    /// Results of the provider's own tools, which the model receives as additional prompt.
    #[serde(rename = "toolUsePromptTokenCount")]
    tool_use_prompt: u64,
    #[serde(rename = "candidatesTokenCount")]
    candidates: u64,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: u64,
}

impl UsageBody {
    pub fn usage(self) -> Usage {
        Usage {
            input_tokens: self.prompt + self.tool_use_prompt,
            cached_input_tokens: self.cached,
            output_tokens: self.candidates + self.thoughts,
        }
    }
}

/// Fails if the prompt was blocked.
pub(super) fn ensure_not_blocked(feedback: Option<&PromptFeedback>) -> Result<(), AiError> {
    let Some(reason) = feedback.and_then(|feedback| feedback.block_reason.as_deref()) else { return Ok(()) };
    Err(AiError::new(AiErrorKind::Refused, format!("provider `{}` blocked the prompt: {reason}", super::ID)))
}

/// Converts the tool call with this index in a response.
pub(super) fn tool_call(
    function: FunctionCall,
    signature: Option<String>,
    response_id: Option<&str>,
    index: usize,
) -> ToolCall {
    ToolCall {
        id: function.id.unwrap_or_else(|| generated_id(response_id, index)),
        name: function.name,
        input: function.args.unwrap_or_else(|| json!({})),
        signature,
    }
}

/// Converts the response of a call or of a batch item.
pub(super) fn read(body: ResponseBody, endpoint: &Endpoint) -> Result<GenerateResponse, AiError> {
    let usage = body.usage_metadata.map(UsageBody::usage);
    let with_usage = |error: AiError| usage.map_or(error.clone(), |usage| error.with_usage(usage));
    ensure_not_blocked(body.prompt_feedback.as_ref()).map_err(with_usage)?;
    let Some(candidate) = body.candidates.into_iter().next() else {
        return Err(with_usage(endpoint.malformed("it has no candidate")));
    };
    let mut text = String::new();
    let mut reasoning = String::new();
    let mut tool_calls = Vec::new();
    for part in candidate.content.into_iter().flat_map(|content| content.parts) {
        if let Some(more) = part.text {
            if part.thought { reasoning.push_str(&more) } else { text.push_str(&more) }
        }
        if let Some(function) = part.function_call {
            let index = tool_calls.len();
            tool_calls.push(tool_call(function, part.thought_signature, body.response_id.as_deref(), index));
        }
    }
    Ok(GenerateResponse {
        text,
        reasoning: if reasoning.is_empty() { None } else { Some(reasoning) },
        finish_reason: finish(candidate.finish_reason.as_deref(), !tool_calls.is_empty()),
        tool_calls,
        usage: usage.unwrap_or_default(),
    })
}

/// Converts the finish reason. A response with tool calls also has `STOP`.
pub(super) fn finish(reason: Option<&str>, calls_tools: bool) -> FinishReason {
    match reason {
        Some("STOP") if calls_tools => FinishReason::ToolCalls,
        Some("STOP") => FinishReason::Stop,
        Some("MAX_TOKENS") => FinishReason::Length,
        Some(
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION",
        ) => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}
