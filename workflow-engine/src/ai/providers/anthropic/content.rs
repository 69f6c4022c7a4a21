//! Conversations in Anthropic's format: messages of content blocks.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ai::message::{Media, Message, Part, Role, ToolResult};
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// A thinking block. It must be sent back unchanged with the tool calls that follow it, or newer models refuse to
/// continue.
///
/// The `signature` of the following tool call holds the blocks before it, as a JSON list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thought {
    Thinking { thinking: String, signature: String },
    RedactedThinking { data: String },
}

/// Takes the thinking since the last tool call, as the signature of the next one.
pub(super) fn sign(thoughts: &mut Vec<Thought>) -> Option<String> {
    let thoughts = std::mem::take(thoughts);
    if thoughts.is_empty() { None } else { serde_json::to_string(&thoughts).ok() }
}

/// Returns the conversation as `messages`.
pub(super) fn messages(conversation: &[Message]) -> Result<Vec<Value>, AiError> {
    let mut messages = Vec::with_capacity(conversation.len());
    for message in conversation {
        let (role, content) = match message.role {
            Role::User => ("user", user(&message.parts)?),
            Role::Assistant => ("assistant", assistant(&message.parts)?),
        };
        messages.push(json!({"role": role, "content": content}));
    }
    Ok(messages)
}

/// Tool results must come first in a message.
fn user(parts: &[Part]) -> Result<Vec<Value>, AiError> {
    let mut results = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        match part {
            Part::ToolResult(result) => results.push(tool_result(result)),
            other => others.extend(block(other)?),
        }
    }
    results.append(&mut others);
    Ok(results)
}

/// The thinking before the first tool call must come first in a message, before any text of the caller.
fn assistant(parts: &[Part]) -> Result<Vec<Value>, AiError> {
    let mut thoughts = Vec::new();
    let mut others = Vec::new();
    for part in parts {
        if let Part::ToolCall(call) = part {
            let blocks = thoughts_of(call.signature.as_deref());
            let first = !others.iter().any(|other: &Value| other["type"] == "tool_use");
            if first { thoughts.extend(blocks) } else { others.extend(blocks) }
        }
        others.extend(block(part)?);
    }
    thoughts.append(&mut others);
    Ok(thoughts)
}

/// Parses the thinking in a signature. A signature of another provider is ignored.
fn thoughts_of(signature: Option<&str>) -> Vec<Value> {
    let thoughts: Option<Vec<Thought>> = signature.and_then(|signature| serde_json::from_str(signature).ok());
    thoughts.into_iter().flatten().map(|thought| json!(thought)).collect()
}

/// Converts a part. An empty text has no block, because Anthropic refuses empty blocks.
fn block(part: &Part) -> Result<Option<Value>, AiError> {
    Ok(match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(json!({"type": "text", "text": text})),
        Part::Media(media) => Some(self::media(media)?),
        Part::ToolCall(call) => {
            Some(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.input}))
        }
        Part::ToolResult(result) => Some(tool_result(result)),
    })
}

fn media(media: &Media) -> Result<Value, AiError> {
    let kind = match media.media_type.as_str() {
        "application/pdf" => "document",
        image if image.starts_with("image/") => "image",
        other => {
            let message =
                format!("provider `{}` accepts images and `application/pdf`, not `{other}`", super::ID);
            return Err(AiError::new(AiErrorKind::Unsupported, message));
        }
    };
    let source = json!({"type": "base64", "media_type": media.media_type, "data": media.data});
    Ok(json!({"type": kind, "source": source}))
}

fn tool_result(result: &ToolResult) -> Value {
    let content = match &result.output {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut block = json!({"type": "tool_result", "tool_use_id": result.id, "content": content});
    if result.is_error {
        block["is_error"] = true.into();
    }
    block
}
