//! The request body. Reference: <https://platform.openai.com/docs/api-reference/chat/create>.

use serde_json::{Map, Value, json};

use super::messages::messages;
use super::strict::strict;
use super::{OpenAi, TokenLimit};
use crate::ai::http::merge_options;
use crate::ai::request::{GenerateRequest, ObjectSchema, Tool};
use crate::ledger::ai_error::{AiError, AiErrorKind};

impl OpenAi {
    pub(super) fn body(&self, request: &GenerateRequest) -> Result<Value, AiError> {
        self.body_with(request, Map::new())
    }

    pub(super) fn stream_body(&self, request: &GenerateRequest) -> Result<Value, AiError> {
        let mut body = Map::new();
        body.insert("stream".to_owned(), true.into());
        // Without this option a stream reports no usage.
        body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
        self.body_with(request, body)
    }

    fn body_with(&self, request: &GenerateRequest, mut body: Map<String, Value>) -> Result<Value, AiError> {
        let mut set = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        set("model", request.model.id.as_str().into());
        set("messages", messages(request)?.into());
        if let Some(temperature) = request.temperature {
            set("temperature", temperature.into());
        }
        if let Some(limit) = request.max_tokens {
            let name = match self.token_limit {
                TokenLimit::MaxCompletionTokens => "max_completion_tokens",
                TokenLimit::MaxTokens => "max_tokens",
            };
            set(name, limit.into());
        }
        if let Some(schema) = &request.schema {
            set("response_format", response_format(schema));
        }
        if !request.tools.is_empty() {
            set("tools", request.tools.iter().map(tool).collect());
        }
        let mut body = Value::Object(body);
        apply_options(&mut body, request.provider_options.as_ref())?;
        Ok(body)
    }
}

/// Merges the caller's provider options into the body.
pub(super) fn apply_options(body: &mut Value, options: Option<&Value>) -> Result<(), AiError> {
    match options {
        None => {}
        Some(options) if options.is_object() => merge_options(body, options),
        Some(_) => {
            let message = "the provider options are not a JSON object";
            return Err(AiError::new(AiErrorKind::InvalidRequest, message));
        }
    }
    Ok(())
}

/// Uses strict decoding if the schema can be converted for it, and otherwise sends the schema as a hint.
fn response_format(schema: &ObjectSchema) -> Value {
    let name = &schema.name;
    let format = match strict(&schema.schema) {
        Some(schema) => json!({ "name": name, "strict": true, "schema": schema }),
        None => json!({ "name": name, "strict": false, "schema": schema.schema }),
    };
    json!({ "type": "json_schema", "json_schema": format })
}

fn tool(tool: &Tool) -> Value {
    let function =
        json!({ "name": tool.name, "description": tool.description, "parameters": tool.input_schema });
    json!({ "type": "function", "function": function })
}
