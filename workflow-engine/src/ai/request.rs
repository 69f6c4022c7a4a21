//! Requests to a provider.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::Message;
use super::model::ModelConfig;

/// A request to generate text, an object, or tool calls.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// The model.
    pub model: ModelConfig,
    /// The instructions that apply to the whole conversation.
    pub instructions: Option<String>,
    /// The conversation so far: at least one message.
    pub messages: Vec<Message>,
    /// The temperature from 0 to 2; `None` leaves it to the provider.
    pub temperature: Option<f64>,
    /// The maximum number of response tokens; `None` stands for the limit of the model or of the provider.
    pub max_tokens: Option<u32>,
    /// The schema of the response, if it is an object.
    pub schema: Option<ObjectSchema>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Provider-specific fields: an object that is merged into the request body. Nested objects are merged field by
    /// field, and `null` removes a field.
    pub provider_options: Option<Value>,
    /// The timeout for the whole response, or for the next part of a stream.
    pub timeout: Duration,
}

/// The schema of an object that a model generates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// The name: letters, digits, `_` and `-`.
    pub name: String,
    /// The JSON Schema.
    pub schema: Value,
}

/// A tool as a model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The name: letters, digits, `_` and `-`.
    pub name: String,
    /// When the model should call the tool, and what it does.
    pub description: String,
    /// The JSON Schema of the input, which is an object.
    pub input_schema: Value,
}

/// A request to compute embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedRequest {
    /// The model.
    pub model: ModelConfig,
    /// The texts, at least one. Each gets one vector.
    pub texts: Vec<String>,
    /// The number of dimensions of each vector; `None` leaves it to the model.
    pub dimensions: Option<u32>,
    /// The purpose of the vectors, for providers that distinguish purposes.
    pub task_type: Option<TaskType>,
    /// Provider-specific fields, as in [`GenerateRequest::provider_options`].
    pub provider_options: Option<Value>,
    /// The timeout for the response.
    pub timeout: Duration,
}

/// The purpose of an embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskType {
    /// A document that searches find.
    RetrievalDocument,
    /// A search query.
    RetrievalQuery,
    /// A text that is compared with others.
    SemanticSimilarity,
    /// A text that is assigned to a class.
    Classification,
    /// A text that is grouped with similar ones.
    Clustering,
}
