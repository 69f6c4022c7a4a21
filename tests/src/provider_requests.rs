//! Requests for the tests of AI providers.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiError, AiProvider, GenerateRequest, Message, ModelConfig, ObjectSchema, StreamPart, Tool,
};

/// Makes a model with every capability and without cost.
pub fn model(provider: &str, id: &str) -> ModelConfig {
    ModelConfig {
        id: id.to_owned(),
        name: id.to_owned(),
        provider: provider.to_owned(),
        input_cost_per_million: Cost::ZERO,
        output_cost_per_million: Cost::ZERO,
        cached_input_cost_per_million: None,
        supports_async_batch: true,
        batch_discount_percent: 50,
        is_embedding_model: false,
        supports_tools: true,
        supports_structured_outputs: true,
        context_length: None,
        max_completion_tokens: None,
        priced_at: None,
    }
}

/// Makes a request with one user message.
pub fn ask(model: ModelConfig, text: &str) -> GenerateRequest {
    GenerateRequest {
        model,
        instructions: None,
        messages: vec![Message::user(text)],
        temperature: None,
        max_tokens: None,
        schema: None,
        tools: Vec::new(),
        provider_options: None,
        timeout: Duration::from_secs(30),
    }
}

/// Makes a tool with a city as its input.
pub fn weather() -> Tool {
    Tool {
        name: "weather".to_owned(),
        description: "The weather in a city.".to_owned(),
        input_schema: city_schema(),
    }
}

/// Makes the schema of an object with a city.
pub fn city() -> ObjectSchema {
    ObjectSchema { name: "City".to_owned(), schema: city_schema() }
}

fn city_schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
}

/// Returns all parts of a stream, and the error that ends it.
pub async fn pieces(
    provider: &dyn AiProvider,
    request: &GenerateRequest,
) -> (Vec<StreamPart>, Option<AiError>) {
    let mut stream = match provider.stream(request).await {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut parts = Vec::new();
    while let Some(part) = stream.next().await {
        match part {
            Ok(part) => parts.push(part),
            Err(error) => {
                assert!(stream.next().await.is_none(), "the stream continues after {error}");
                return (parts, Some(error));
            }
        }
    }
    (parts, None)
}
