//! The response body.

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

/// A content block of the response. In a stream it starts empty and grows by deltas.
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
    /// Blocks of the provider's own tools, and blocks of unknown types.
    #[serde(other)]
    Other,
}

/// The details of a refusal.
#[derive(Deserialize)]
pub(super) struct StopDetails {
    #[serde(default)]
    category: Option<String>,
}

/// Token counts. Anthropic's `input_tokens` excludes tokens that were read from or written to the cache. In a stream, later
/// counts are cumulative.
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
    /// Replaces the counts that the later event contains.
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

/// Converts the message of a call or of a batch item.
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
    // Text around the object is not part of it.
    let text = object.unwrap_or(text);
    Ok(GenerateResponse { text, reasoning, tool_calls, usage, finish_reason })
}

/// Converts the stop reason. A refusal is an error.
pub(super) fn finish(
    reason: Option<&str>,
    details: Option<&StopDetails>,
    calls_tools: bool,
) -> Result<FinishReason, AiError> {
    Ok(match reason {
        Some("max_tokens" | "model_context_window_exceeded") => FinishReason::Length,
        Some("tool_use") if calls_tools => FinishReason::ToolCalls,
        // `tool_use` without calls of the caller's tools: the model called the tool that takes the object.
        Some("end_turn" | "stop_sequence" | "tool_use") => FinishReason::Stop,
        Some("refusal") => return Err(refusal(details)),
        // For example `pause_turn`: the provider's own tools reached their limit.
        _ => FinishReason::Other,
    })
}

/// Shows the category, which is a single word, but not the explanation, which can quote the prompt.
fn refusal(details: Option<&StopDetails>) -> AiError {
    let mut message = format!("provider `{}`: the model declined to answer", super::ID);
    if let Some(category) = details.and_then(|details| details.category.as_deref()) {
        message.push_str(": ");
        message.push_str(category);
    }
    AiError::new(AiErrorKind::Refused, message)
}
