//! Prompts and responses as the ledger stores them: text, with placeholders for media and tool calls.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value};

use crate::ai::message::{Message, Part, Role, ToolCall};
use crate::ai::request::GenerateRequest;
use crate::ai::response::FinishReason;

/// Returns the text of a prompt. A single message without instructions is stored as its text; in a conversation each
/// message begins with its role.
pub(super) fn prompt_text(request: &GenerateRequest) -> String {
    let instructions = request.instructions.as_deref();
    if let ([message], None) = (request.messages.as_slice(), instructions) {
        return message_text(message);
    }
    let mut text = String::new();
    if let Some(instructions) = instructions {
        push_line(&mut text, "instructions", instructions);
    }
    for message in &request.messages {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        push_line(&mut text, role, &message_text(message));
    }
    text
}

/// Returns the text of a response, followed by its tool calls.
pub(super) fn response_text(text: &str, tool_calls: &[ToolCall]) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !text.is_empty() || tool_calls.is_empty() {
        lines.push(text.to_owned());
    }
    lines.extend(tool_calls.iter().map(tool_call_text));
    lines.join("\n")
}

/// Adds the fields to the metadata that describe a response beside its text.
pub(super) fn describe_response(
    metadata: &mut Map<String, Value>,
    finish_reason: FinishReason,
    has_reasoning: bool,
) {
    let finish_reason = serde_json::to_value(finish_reason).unwrap_or_default();
    metadata.insert("finish_reason".to_owned(), finish_reason);
    metadata.insert("has_reasoning".to_owned(), has_reasoning.into());
}

/// Returns the distinct media types in the messages.
pub(super) fn media_types(messages: &[Message]) -> BTreeSet<String> {
    let parts = messages.iter().flat_map(|message| &message.parts);
    let types = parts.filter_map(|part| match part {
        Part::Media(media) => Some(media.media_type.clone()),
        _ => None,
    });
    types.collect()
}

fn push_line(text: &mut String, role: &str, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "{role}: {line}");
}

fn message_text(message: &Message) -> String {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text { text } => text.clone(),
        Part::Media(media) => format!("[{}]", media.media_type),
        Part::ToolCall(call) => tool_call_text(call),
        Part::ToolResult(result) => {
            let kind = if result.is_error { "failure" } else { "result" };
            format!("[{kind} of {} {}]", result.name, result.output)
        }
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn tool_call_text(call: &ToolCall) -> String {
    format!("[call of {} {}]", call.name, call.input)
}
