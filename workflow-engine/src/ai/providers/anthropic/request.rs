//! The body of a call.

use serde_json::{Value, json};

use super::{content, generation, schema};
use crate::ai::request::{GenerateRequest, ObjectSchema};
use crate::ledger::ai_error::AiError;

/// The tool by which a model that cannot be held to a schema gives its object.
pub(super) const ANSWER_TOOL: &str = "answer_with_object";

/// The longest answer where neither the request nor the model says; Anthropic wants to be told.
const MAX_TOKENS: u32 = 4096;

/// The body of `POST /v1/messages`, and the `params` of an item of a batch.
pub(super) fn body(request: &GenerateRequest) -> Result<Value, AiError> {
    let model = &request.model;
    let mut body = json!({
        "model": model.id,
        "max_tokens": request.max_tokens.or(model.max_completion_tokens).unwrap_or(MAX_TOKENS),
        "messages": content::messages(&request.messages)?,
    });
    if let Some(instructions) = &request.instructions {
        body["system"] = instructions.as_str().into();
    }
    if let Some(temperature) = request.temperature
        && generation::takes_temperature(&model.id)
    {
        // Ours goes to 2, theirs to 1.
        body["temperature"] = temperature.min(1.0).into();
    }
    let mut tools: Vec<Value> = request.tools.iter().map(|tool| {
        json!({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema})
    }).collect();
    if let Some(object) = &request.schema {
        if let Some(schema) = strict(object, request) {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema}});
        } else {
            tools.push(answer_tool(object));
            body["tool_choice"] = tool_choice(request);
        }
    }
    if !tools.is_empty() {
        body["tools"] = tools.into();
    }
    Ok(body)
}

/// The schema for structured outputs, where model and schema allow it; else a tool takes the object.
fn strict(object: &ObjectSchema, request: &GenerateRequest) -> Option<Value> {
    if request.model.supports_structured_outputs { schema::strict(&object.schema) } else { None }
}

fn answer_tool(object: &ObjectSchema) -> Value {
    json!({
        "name": ANSWER_TOOL,
        "description": format!("Takes the final answer, a `{}`. Only what it is given counts as one.", object.name),
        "input_schema": object.schema,
    })
}

fn tool_choice(request: &GenerateRequest) -> Value {
    if !generation::takes_forced_tools(&request.model.id) {
        json!({"type": "auto"})
    } else if request.tools.is_empty() {
        json!({"type": "tool", "name": ANSWER_TOOL})
    } else {
        json!({"type": "any"})
    }
}
