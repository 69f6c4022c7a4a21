//! Conversations in Gemini's format: contents with parts.

use serde_json::{Value, json};

use crate::ai::message::{Message, Part, Role, ToolCall, ToolResult};

/// The prefix of generated ids, for tool calls that Gemini sends without an id. Gemini does not know these ids.
const GENERATED_ID: &str = "unnamed-";

/// Generates an id for a tool call without one. `response_id` makes it unique across responses.
pub(super) fn generated_id(response_id: Option<&str>, call: usize) -> String {
    format!("{GENERATED_ID}{}-{call}", response_id.unwrap_or("call"))
}

/// Returns the conversation as `contents`, without messages that have only empty texts.
pub(super) fn contents(conversation: &[Message]) -> Vec<Value> {
    let mut contents = Vec::with_capacity(conversation.len());
    for message in conversation {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "model",
        };
        let parts: Vec<Value> = message.parts.iter().filter_map(part).collect();
        if !parts.is_empty() {
            contents.push(json!({"role": role, "parts": parts}));
        }
    }
    contents
}

fn part(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text { text } if text.is_empty() => return None,
        Part::Text { text } => json!({"text": text}),
        Part::Media(media) => json!({"inlineData": {"mimeType": media.media_type, "data": media.data}}),
        Part::ToolCall(call) => function_call(call),
        Part::ToolResult(result) => function_response(result),
    })
}

fn function_call(call: &ToolCall) -> Value {
    let mut function = json!({"name": call.name, "args": call.input});
    set_id(&mut function, &call.id);
    let mut part = json!({"functionCall": function});
    if let Some(signature) = call.signature.as_deref().filter(|signature| is_base64(signature)) {
        part["thoughtSignature"] = signature.into();
    }
    part
}

/// Gemini expects the result in the field `output`, or the error in the field `error`, of the object `response`.
fn function_response(result: &ToolResult) -> Value {
    let field = if result.is_error { "error" } else { "output" };
    let mut function = json!({"name": result.name, "response": {field: result.output}});
    set_id(&mut function, &result.id);
    json!({"functionResponse": function})
}

fn set_id(function: &mut Value, id: &str) {
    if !id.starts_with(GENERATED_ID) {
        function["id"] = id.into();
    }
}

/// Whether the signature can be Gemini's. The signature of another provider, after a change of the model, would be refused.
fn is_base64(signature: &str) -> bool {
    signature.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
}
