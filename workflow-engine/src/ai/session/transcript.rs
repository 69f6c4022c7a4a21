//! A conversation as the ledger keeps it: text, with a word in the place of what is none.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::ai::message::{Message, Part, Role, ToolCall};
use crate::ai::request::GenerateRequest;

/// What is asked. One turn of text is that text; of more, each turn begins with who speaks.
pub(super) fn transcript(request: &GenerateRequest) -> String {
    let of_instructions = request.instructions.as_deref();
    if let ([only], None) = (request.messages.as_slice(), of_instructions) {
        return turn(only);
    }
    let mut text = String::new();
    if let Some(instructions) = of_instructions {
        line(&mut text, "instructions", instructions);
    }
    for message in &request.messages {
        let who = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        line(&mut text, who, &turn(message));
    }
    text
}

/// What is answered, with the tools that are wanted.
pub(super) fn answer(text: &str, tool_calls: &[ToolCall]) -> String {
    let mut pieces: Vec<String> = Vec::new();
    if !text.is_empty() || tool_calls.is_empty() {
        pieces.push(text.to_owned());
    }
    pieces.extend(tool_calls.iter().map(wanted));
    pieces.join("\n")
}

/// The types of the media in it, each once.
pub(super) fn media_types(messages: &[Message]) -> BTreeSet<String> {
    let parts = messages.iter().flat_map(|message| &message.parts);
    let types = parts.filter_map(|part| match part {
        Part::Media(media) => Some(media.media_type.clone()),
        _ => None,
    });
    types.collect()
}

fn line(text: &mut String, who: &str, what: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "{who}: {what}");
}

fn turn(message: &Message) -> String {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text { text } => text.clone(),
        Part::Media(media) => format!("[{}]", media.media_type),
        Part::ToolCall(call) => wanted(call),
        Part::ToolResult(result) => {
            let what = if result.is_error { "failure" } else { "result" };
            format!("[{what} of {} {}]", result.name, result.output)
        }
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn wanted(call: &ToolCall) -> String {
    format!("[call of {} {}]", call.name, call.input)
}
