//! Conversations in OpenAI's format.

use serde_json::{Value, json};

use crate::ai::message::{Media, Message, Part, Role, ToolResult};
use crate::ai::request::GenerateRequest;
use crate::ledger::ai_error::{AiError, AiErrorKind};

pub(super) fn messages(request: &GenerateRequest) -> Result<Vec<Value>, AiError> {
    let mut messages = Vec::new();
    if let Some(instructions) = &request.instructions {
        // `system` and not `developer`, which other servers do not know. OpenAI accepts both.
        messages.push(json!({ "role": "system", "content": instructions }));
    }
    for message in &request.messages {
        match message.role {
            Role::User => user(message, &mut messages)?,
            Role::Assistant => messages.push(assistant(message)?),
        }
    }
    Ok(messages)
}

fn user(message: &Message, messages: &mut Vec<Value>) -> Result<(), AiError> {
    let mut content = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { text } => content.push(json!({ "type": "text", "text": text })),
            Part::Media(media) => content.push(media_part(media)?),
            // Tool results are separate messages, and come first because they must follow their calls.
            Part::ToolResult(result) => messages.push(tool_message(result)),
            Part::ToolCall(_) => return Err(misplaced("a user message contains a tool call")),
        }
    }
    let content = match content.as_slice() {
        [] => return Ok(()),
        // Some servers accept only a string.
        [part] if part["type"] == "text" => part["text"].clone(),
        _ => content.into(),
    };
    messages.push(json!({ "role": "user", "content": content }));
    Ok(())
}

fn assistant(message: &Message) -> Result<Value, AiError> {
    let mut calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text { .. } => {}
            Part::ToolCall(call) => {
                let function = json!({ "name": call.name, "arguments": call.input.to_string() });
                calls.push(json!({ "id": call.id, "type": "function", "function": function }));
            }
            Part::Media(_) | Part::ToolResult(_) => {
                return Err(misplaced("an assistant message contains media or a tool result"));
            }
        }
    }
    let text = message.text();
    if calls.is_empty() {
        return Ok(json!({ "role": "assistant", "content": text }));
    }
    let content = if text.is_empty() { Value::Null } else { text.into() };
    Ok(json!({ "role": "assistant", "content": content, "tool_calls": calls }))
}

fn tool_message(result: &ToolResult) -> Value {
    let output = match &result.output {
        // The API has no field for the failure of a tool.
        output if result.is_error => json!({ "error": output }).to_string(),
        Value::String(text) => text.clone(),
        output => output.to_string(),
    };
    json!({ "role": "tool", "tool_call_id": result.id, "content": output })
}

fn media_part(media: &Media) -> Result<Value, AiError> {
    let url = || format!("data:{};base64,{}", media.media_type, media.data);
    let audio = |format: &str| json!({ "type": "input_audio", "input_audio": { "data": media.data, "format": format } });
    match media.media_type.as_str() {
        kind if kind.starts_with("image/") => {
            Ok(json!({ "type": "image_url", "image_url": { "url": url() } }))
        }
        "application/pdf" => {
            let file = json!({ "filename": "document.pdf", "file_data": url() });
            Ok(json!({ "type": "file", "file": file }))
        }
        "audio/wav" | "audio/x-wav" => Ok(audio("wav")),
        "audio/mpeg" | "audio/mp3" => Ok(audio("mp3")),
        kind => {
            let message = format!("OpenAI and compatible servers do not accept `{kind}`");
            Err(AiError::new(AiErrorKind::Unsupported, message))
        }
    }
}

fn misplaced(message: &str) -> AiError {
    AiError::new(AiErrorKind::InvalidRequest, message)
}
