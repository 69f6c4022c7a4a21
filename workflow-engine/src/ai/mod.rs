//! Calls of language models: durable, and exact about what they cost.
//!
//! A provider speaks one wire format and knows nothing of runs: [`AiProvider`] is a port, so a program can bring its
//! own, and a test one that answers from a list. An [`AiClient`] has providers and models; stages call through it by
//! [`ctx.ai()`](crate::StageContext::ai), an [`AiSession`].
//!
//! ```
//! use std::sync::Arc;
//! use workflow_engine::ai::{AiClient, AiSession, AiTool, MemoryLedger, ScriptedProvider, ToolCall, Usage};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), workflow_engine::ai::AiError> {
//! let usage = Usage { input_tokens: 100, cached_input_tokens: 0, output_tokens: 10 };
//! let call = ToolCall { id: "1".into(), name: "double".into(), input: 21.into(), signature: None };
//! let provider = ScriptedProvider::new("google").tools([call], usage).text("It is 42.", usage);
//! let client = AiClient::builder().provider(provider).build()?;
//! let ledger = Arc::new(MemoryLedger::new());
//! let helper = AiSession::new(&client, "playground", ledger.clone());
//!
//! let double = AiTool::new("double", "Doubles a number.", async |number: u32| Ok::<_, String>(number * 2));
//! let answer = helper.generate_text("gemini-2.5-flash", "What is 21 doubled?").tool(double).await?;
//! assert_eq!(answer.text, "It is 42.");
//!
//! // Two questions at 55 millionths of a dollar each, and a tool that costs nothing.
//! assert_eq!(helper.stats().await?.total.cost.to_string(), "0.00011 USD");
//! let topics: Vec<String> = ledger.calls().into_iter().map(|call| call.topic).collect();
//! assert_eq!(topics, ["playground", "playground.tool.double", "playground"]);
//! # Ok(())
//! # }
//! ```

mod error;
mod model;
mod message;
mod request;
mod response;
mod provider;
mod batch;
mod http;
pub mod providers;

mod models;
mod content_capture;
mod backoff;
mod client;
mod session;
mod scripted;
mod engine;

pub use crate::stores::MemoryLedger;
pub use batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
pub use client::{AiClient, AiClientBuilder};
pub use content_capture::ContentCapture;
pub use error::{AiError, AiErrorKind};
pub use message::{Media, Message, Part, Role, ToolCall, ToolResult};
pub use model::ModelConfig;
pub use models::{ModelFilter, ModelRegistry};
pub use provider::AiProvider;
pub use request::{EmbedRequest, GenerateRequest, ObjectSchema, TaskType, Tool};
pub use response::{EmbedResponse, FinishReason, GenerateResponse, GenerateStream, StreamPart, Usage};
pub use scripted::ScriptedProvider;
pub use session::{
    AiBatch, AiSession, AiTool, BatchContent, BatchPrompt, BatchResponse, BatchTicket, Embed,
    EmbeddingResponse, GenerateObject, GenerateText, ModelChoice, ObjectResponse, Prompt, RecordedCall,
    StreamText, SubmitBatch, TextResponse, TextStream, Texts,
};
