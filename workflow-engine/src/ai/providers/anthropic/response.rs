//! An answer, read.

use serde::Deserialize;
use serde_json::Value;

use super::content::{Thought, sign};
use super::request::ANSWER_TOOL;
use crate::ai::message::ToolCall;
use crate::ai::response::{FinishReason, GenerateResponse};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

/// The body of a `message`.
#[derive(Deserialize)]
pub(super) struct MessageBody {
    pub content: Vec<Block>,
    pub stop_reason: Option<String>,
    #[serde(default)]
    pub stop_details: Option<StopDetails>,
    pub usage: UsageBody,
}

/// A piece of the answer. In a stream it begins empty, and grows.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
        #[serde(default)]
        signature: String,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    /// What the provider's own tools have done, and what is not known yet.
    #[serde(other)]
    Other,
}

/// Why it was refused.
#[derive(Deserialize)]
pub(super) struct StopDetails {
    #[serde(default)]
    category: Option<String>,
}

/// Tokens. Of the prompt only those are counted as `input_tokens` that no cache was concerned with. In a stream the
/// later count is of everything so far.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct UsageBody {
    #[serde(rename = "input_tokens", default)]
    uncached: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens", default)]
    written: Option<u64>,
    #[serde(rename = "cache_read_input_tokens", default)]
    cached: Option<u64>,
    #[serde(rename = "output_tokens", default)]
    output: Option<u64>,
}

impl UsageBody {
    /// Takes over what the later count says.
    pub fn update(&mut self, later: Self) {
        self.uncached = later.uncached.or(self.uncached);
        self.written = later.written.or(self.written);
        self.cached = later.cached.or(self.cached);
        self.output = later.output.or(self.output);
    }

    pub fn usage(self) -> Usage {
        let cached = self.cached.unwrap_or(0);
        Usage {
            input_tokens: self.uncached.unwrap_or(0) + self.written.unwrap_or(0) + cached,
            cached_input_tokens: cached,
            output_tokens: self.output.unwrap_or(0),
        }
    }
}

/// The answer of a call, or of an item of a batch.
pub(super) fn read(body: MessageBody) -> Result<GenerateResponse, AiError> {
    let mut text = String::new();
    let mut reasoning = String::new();
    let mut object = None;
    let mut tool_calls = Vec::new();
    let mut thoughts = Vec::new();
    for block in body.content {
        match block {
            Block::Text { text: more } => text.push_str(&more),
            Block::Thinking { thinking, signature } => {
                reasoning.push_str(&thinking);
                thoughts.push(Thought::Thinking { thinking, signature });
            }
            Block::RedactedThinking { data } => thoughts.push(Thought::RedactedThinking { data }),
            Block::ToolUse { name, input, .. } if name == ANSWER_TOOL => object = Some(input.to_string()),
            Block::ToolUse { id, name, input } => {
                tool_calls.push(ToolCall { id, name, input, signature: sign(&mut thoughts) });
            }
            Block::Other => {}
        }
    }
    let usage = body.usage.usage();
    let finish_reason =
        finish(body.stop_reason.as_deref(), body.stop_details.as_ref(), !tool_calls.is_empty())
            .map_err(|error| error.with_usage(usage))?;
    let reasoning = if reasoning.is_empty() { None } else { Some(reasoning) };
    // What is said around the object is no part of it.
    let text = object.unwrap_or(text);
    Ok(GenerateResponse { text, reasoning, tool_calls, usage, finish_reason })
}

/// Why it stopped. A refusal is no answer.
pub(super) fn finish(
    reason: Option<&str>,
    details: Option<&StopDetails>,
    calls_tools: bool,
) -> Result<FinishReason, AiError> {
    Ok(match reason {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") if calls_tools => FinishReason::ToolCalls,
        // `tool_use`: the tool that takes the object is none of the caller's.
        Some("end_turn" | "stop_sequence" | "tool_use") => FinishReason::Stop,
        Some("refusal") => return Err(refusal(details)),
        // `pause_turn`: the provider's own tools have worked for long enough.
        _ => FinishReason::Other,
    })
}

/// The explanation may repeat the prompt; the category is a word.
fn refusal(details: Option<&StopDetails>) -> AiError {
    let mut message = format!("provider `{}`: the model declined to answer", super::ID);
    if let Some(category) = details.and_then(|details| details.category.as_deref()) {
        message.push_str(": ");
        message.push_str(category);
    }
    AiError::new(AiErrorKind::Refused, message)
}
