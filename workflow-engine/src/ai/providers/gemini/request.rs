//! The request body.

use serde_json::{Map, Value, json};

use super::content;
use crate::ai::request::GenerateRequest;

/// Returns the path of a model, such as `models/gemini-2.5-flash`.
pub(super) fn model_path(id: &str) -> String {
    // An id such as `tunedModels/…` is already a path.
    if id.contains('/') { id.to_owned() } else { format!("models/{id}") }
}

/// Returns the body of `generateContent`, which is also the `request` of a batch item.
pub(super) fn body(request: &GenerateRequest) -> Value {
    let mut body = json!({"contents": content::contents(&request.messages)});
    if let Some(instructions) = &request.instructions {
        body["systemInstruction"] = json!({"parts": [{"text": instructions}]});
    }
    let mut config = Map::new();
    if let Some(temperature) = request.temperature {
        config.insert("temperature".into(), temperature.into());
    }
    if let Some(max_tokens) = request.max_tokens {
        config.insert("maxOutputTokens".into(), max_tokens.into());
    }
    if let Some(object) = &request.schema {
        config.insert("responseMimeType".into(), "application/json".into());
        config.insert("responseJsonSchema".into(), object.schema.clone());
    }
    if !config.is_empty() {
        body["generationConfig"] = config.into();
    }
    if !request.tools.is_empty() {
        let functions: Vec<Value> = request
            .tools
            .iter()
            .map(|tool| {
                json!({
                    "name": tool.name,
                    "description": tool.description,
                    "parametersJsonSchema": tool.input_schema,
                })
            })
            .collect();
        body["tools"] = json!([{"functionDeclarations": functions}]);
    }
    body
}
