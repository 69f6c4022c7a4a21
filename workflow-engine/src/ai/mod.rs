//! Calls to language models: durable, with exact costs.
//!
//! - An [`AiClient`] holds the providers, the models and the settings of calls. [`EngineBuilder::ai`] installs it in an
//!   engine.
//! - An [`AiSession`] makes the calls: [text](AiSession::generate_text), [objects](AiSession::generate_object),
//!   [streams](AiSession::stream_text), [embeddings](AiSession::embed) and [batches](AiSession::batch). A stage gets one
//!   from [`ctx.ai()`](crate::StageContext::ai).
//! - Every call is a row of the [ledger](crate::ledger). It is reserved with its maximum cost before the request is
//!   sent, and settled with its outcome afterwards. So budgets hold for parallel stages, and a crash loses no cost.
//! - [`providers`] has OpenAI and compatible servers, Anthropic and Gemini. [`AiProvider`] is the port for others;
//!   [`ScriptedProvider`] plays a list of responses in tests.
//! - The kind of an [`AiError`] decides whether a call, and then its stage, is retried.
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
//! let session = AiSession::new(&client, "playground", ledger.clone());
//!
//! let double = AiTool::new("double", "Doubles a number.", async |number: u32| Ok::<_, String>(number * 2));
//! let response = session.generate_text("gemini-2.5-flash", "What is 21 doubled?").tool(double).await?;
//! assert_eq!(response.text, "It is 42.");
//!
//! // Two requests to the model at 0.000055 USD each, and a tool call that costs nothing.
//! assert_eq!(session.stats().await?.total.cost.to_string(), "0.00011 USD");
//! let topics: Vec<String> = ledger.calls().into_iter().map(|call| call.topic).collect();
//! assert_eq!(topics, ["playground", "playground.tool.double", "playground"]);
//! # Ok(())
//! # }
//! ```
//!
//! [`EngineBuilder::ai`]: crate::EngineBuilder::ai

mod client;
mod content_capture;
mod backoff;
mod session;

mod model;
mod models;
mod message;
mod request;
mod response;
mod batch;
mod provider;
pub mod providers;
mod http;
mod scripted;

pub use crate::ledger::ai_error::{AiError, AiErrorKind};
pub use crate::ledger::usage::Usage;
pub use crate::stores::MemoryLedger;
pub use batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
pub use client::{AiClient, AiClientBuilder};
pub use content_capture::ContentCapture;
pub use message::{Media, Message, Part, Role, ToolCall, ToolResult};
pub use model::ModelConfig;
pub use models::{ModelFilter, ModelRegistry};
pub use provider::AiProvider;
pub use request::{EmbedRequest, GenerateRequest, ObjectSchema, TaskType, Tool};
pub use response::{EmbedResponse, FinishReason, GenerateResponse, GenerateStream, StreamPart};
pub use scripted::ScriptedProvider;
pub use session::{
    AiBatch, AiSession, AiTool, BatchContent, BatchPrompt, BatchResponse, BatchTicket, Embed,
    EmbeddingResponse, GenerateObject, GenerateText, ModelChoice, ObjectResponse, Prompt, RecordedCall,
    StreamText, SubmitBatch, TextResponse, TextStream, Texts,
};
