//! The request body.

use serde_json::{Value, json};

use super::{content, model_version, schema};
use crate::ai::request::{GenerateRequest, ObjectSchema};
use crate::ledger::ai_error::AiError;

/// The tool through which a model without structured outputs returns its object.
pub(super) const ANSWER_TOOL: &str = "answer_with_object";

/// The default of `max_tokens`, which Anthropic requires, if neither the request nor the model sets a limit.
const MAX_TOKENS: u32 = 4096;

/// Returns the body of `POST /v1/messages`, which is also the `params` of a batch item.
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
        && model_version::accepts_temperature(&model.id)
    {
        // The engine's range ends at 2, Anthropic's at 1.
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

/// Returns the schema for structured outputs, or `None` if the model or the schema requires the tool instead.
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
    if !model_version::accepts_forced_tools(&request.model.id) {
        json!({"type": "auto"})
    } else if request.tools.is_empty() {
        json!({"type": "tool", "name": ANSWER_TOOL})
    } else {
        json!({"type": "any"})
    }
}
