//! Responses from a provider.

use futures_util::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::ToolCall;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

/// The response of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateResponse {
    /// The text; if the request has a schema, the JSON of the object.
    pub text: String,
    /// The model's reasoning, if the provider returns it.
    pub reasoning: Option<String>,
    /// The tool calls whose results the model needs to continue.
    pub tool_calls: Vec<ToolCall>,
    /// The tokens of the call.
    pub usage: Usage,
    /// The reason why the model stopped.
    pub finish_reason: FinishReason,
}

/// A streamed response. The stream ends after [`StreamPart::Finished`] or after an error.
pub type GenerateStream = BoxStream<'static, Result<StreamPart, AiError>>;

/// A part of a streamed response.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamPart {
    /// A text delta.
    Text(String),
    /// A reasoning delta.
    Reasoning(String),
    /// A complete tool call.
    ToolCall(ToolCall),
    /// The last part. A stream that ends without it was cut.
    Finished {
        /// The tokens of the call.
        usage: Usage,
        /// The reason why the model stopped.
        finish_reason: FinishReason,
    },
}

/// The reason why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The response is complete.
    Stop,
    /// The response reached the token limit.
    Length,
    /// The model waits for the results of tool calls.
    ToolCalls,
    /// The provider's content filter stopped the response.
    ContentFilter,
    /// Another reason.
    Other,
}

/// The response to an [`EmbedRequest`](super::EmbedRequest).
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedResponse {
    /// One vector for each text, in the order of the texts.
    pub embeddings: Vec<Vec<f32>>,
    /// The tokens of the call.
    pub usage: Usage,
}
