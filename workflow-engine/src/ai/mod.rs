//! Calls of language models: durable, and exact about what they cost.
//!
//! A provider speaks one wire format and knows nothing of runs: [`AiProvider`] is a port, so a program can bring its
//! own, and a test one that answers from a list.

mod error;
mod model;
mod message;
mod request;
mod response;
mod provider;
mod batch;
mod http;
pub mod providers;

pub use batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
pub use error::{AiError, AiErrorKind};
pub use message::{Media, Message, Part, Role, ToolCall, ToolResult};
pub use model::ModelConfig;
pub use provider::AiProvider;
pub use request::{EmbedRequest, GenerateRequest, ObjectSchema, TaskType, Tool};
pub use response::{EmbedResponse, FinishReason, GenerateResponse, GenerateStream, StreamPart, Usage};
