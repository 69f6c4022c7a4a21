//! What a provider is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::Message;
use super::model::ModelConfig;

/// One call for text, for an object, or for the next tools to call.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// The model.
    pub model: ModelConfig,
    /// What holds for the whole conversation.
    pub instructions: Option<String>,
    /// The conversation so far; at least one turn.
    pub messages: Vec<Message>,
    /// From 0 to 2; `None` leaves it to the provider.
    pub temperature: Option<f64>,
    /// The longest answer, in tokens; where `None`, the model's own limit, or what the provider takes.
    pub max_tokens: Option<u32>,
    /// What the answer must be, where it is to be an object.
    pub schema: Option<ObjectSchema>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Fields of the provider's own, an object, laid over the request's body as they are; objects are merged, and
    /// `null` takes a field away.
    pub provider_options: Option<Value>,
    /// How long an answer may take; of a stream, how long the next piece of it may take.
    pub timeout: Duration,
}

/// What an object must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectSchema {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// A JSON Schema.
    pub schema: Value,
}

/// A tool as a model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// When to call it, and what it does.
    pub description: String,
    /// A JSON Schema of its input: an object.
    pub input_schema: Value,
}

/// One call for vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedRequest {
    /// The model.
    pub model: ModelConfig,
    /// At least one; a vector is made of each.
    pub texts: Vec<String>,
    /// How long a vector is to be; `None` leaves it to the model.
    pub dimensions: Option<u32>,
    /// What the vectors are for, where the provider distinguishes it.
    pub task_type: Option<TaskType>,
    /// As in [`GenerateRequest::provider_options`].
    pub provider_options: Option<Value>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// What a vector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskType {
    /// To be found.
    RetrievalDocument,
    /// To find.
    RetrievalQuery,
    /// To be compared.
    SemanticSimilarity,
    /// To be sorted into classes.
    Classification,
    /// To be grouped.
    Clustering,
}
