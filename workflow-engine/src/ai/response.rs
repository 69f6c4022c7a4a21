//! What a provider answers.

use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use super::error::AiError;
use super::message::ToolCall;

/// The answer of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateResponse {
    /// Its text; where a schema was given, the JSON of the object.
    pub text: String,
    /// What it says of its reasoning, where it does.
    pub reasoning: Option<String>,
    /// The tools that it wants called before it goes on.
    pub tool_calls: Vec<ToolCall>,
    /// What it took.
    pub usage: Usage,
    /// Why it stopped.
    pub finish_reason: FinishReason,
}

/// A stream of an answer; after its last item, or an error, it ends.
pub type GenerateStream = BoxStream<'static, Result<StreamPart, AiError>>;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamPart {
    /// More text.
    Text(String),
    /// More of its reasoning.
    Reasoning(String),
    /// A tool that it wants called, whole.
    ToolCall(ToolCall),
    /// The last piece: what the answer took, and why it stopped. A stream that ends without it was cut.
    Finished {
        /// What it took.
        usage: Usage,
        /// Why it stopped.
        finish_reason: FinishReason,
    },
}

/// Tokens, as the provider counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt, those from the cache included.
    pub input_tokens: u64,
    /// Of those, how many the provider had in its cache.
    pub cached_input_tokens: u64,
    /// Of the answer, reasoning included.
    pub output_tokens: u64,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// The answer is as long as it may be.
    Length,
    /// It waits for tools.
    ToolCalls,
    /// A filter of the provider's stopped it.
    ContentFilter,
    /// Something else.
    Other,
}

/// Vectors, in the order of the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedResponse {
    /// One for each text.
    pub embeddings: Vec<Vec<f32>>,
    /// What they took.
    pub usage: Usage,
}
