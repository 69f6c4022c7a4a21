//! A conversation as Gemini writes it: contents of parts.

use serde_json::{Value, json};

use crate::ai::message::{Message, Part, Role, ToolCall, ToolResult};

/// Begins the id of a call that Gemini has given none: made here, and unknown there.
const OWN_ID: &str = "unnamed-";

/// An id for a call that came without one; `answer` is the answer's own, so that it is another in each.
pub(super) fn own_id(answer: Option<&str>, call: usize) -> String {
    format!("{OWN_ID}{}-{call}", answer.unwrap_or("call"))
}

/// The turns, as `contents`. A turn of nothing but empty texts is none.
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

/// `response` is an object; these are the fields that Gemini knows in it.
fn function_response(result: &ToolResult) -> Value {
    let field = if result.is_error { "error" } else { "output" };
    let mut function = json!({"name": result.name, "response": {field: result.output}});
    set_id(&mut function, &result.id);
    json!({"functionResponse": function})
}

fn set_id(function: &mut Value, id: &str) {
    if !id.starts_with(OWN_ID) {
        function["id"] = id.into();
    }
}

/// Another provider's signature, in a conversation that has changed its model, would be refused.
fn is_base64(signature: &str) -> bool {
    signature.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
}
