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

mod models;
mod record;
mod backoff;
mod client;
mod helper;
mod memory_ledger;
mod scripted;

pub use batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
pub use client::{AiClient, AiClientBuilder};
pub use error::{AiError, AiErrorKind};
pub use helper::{
    AiBatch, AiHelper, AiTool, BatchAnswer, BatchContent, BatchPrompt, BatchTicket, Embed, EmbedAnswer,
    GenerateObject, GenerateText, ModelChoice, ObjectAnswer, Prompt, RecordedCall, StreamText, SubmitBatch,
    TextAnswer, TextStream, Texts,
};
pub use memory_ledger::MemoryLedger;
pub use message::{Media, Message, Part, Role, ToolCall, ToolResult};
pub use model::ModelConfig;
pub use models::{ModelFilter, ModelRegistry};
pub use provider::AiProvider;
pub use record::Record;
pub use request::{EmbedRequest, GenerateRequest, ObjectSchema, TaskType, Tool};
pub use response::{EmbedResponse, FinishReason, GenerateResponse, GenerateStream, StreamPart, Usage};
pub use scripted::ScriptedProvider;
