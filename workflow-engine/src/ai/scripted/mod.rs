//! A provider with scripted responses, for tests and examples.

mod batches;

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use self::batches::{Batches, ScriptedBatch};
use crate::ai::batch::BatchProvider;
use crate::ai::message::ToolCall;
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, FinishReason, GenerateResponse, GenerateStream, StreamPart};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

/// A provider that serves each request with the next entry of its script, and records the requests. Clones share one
/// script.
///
/// The builder methods append entries. A request that the next entry does not fit fails with
/// [`AiErrorKind::InvalidRequest`].
///
/// ```
/// use workflow_engine::ai::{AiError, AiErrorKind, ScriptedProvider, Usage};
///
/// let usage = Usage { input_tokens: 12, cached_input_tokens: 0, output_tokens: 3 };
/// let provider = ScriptedProvider::new("google")
///     .fail(AiError::new(AiErrorKind::Overloaded, "google is overloaded").with_status(503))
///     .text("Because.", usage);
/// assert!(provider.requests().is_empty());
/// ```
#[derive(Clone)]
pub struct ScriptedProvider {
    id: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Entry>,
    requests: Vec<GenerateRequest>,
    embeddings: Vec<EmbedRequest>,
    batches: Batches,
}

enum Entry {
    Response(Box<GenerateResponse>),
    Embeddings(EmbedResponse),
    Stream { parts: Vec<Result<StreamPart, AiError>>, hangs: bool },
    Failure(AiError),
    NoResponse,
    Batch(ScriptedBatch),
}

impl ScriptedProvider {
    /// Creates a provider with this id and an empty script.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), state: Arc::default() }
    }

    /// Appends this response.
    #[must_use]
    pub fn response(self, response: GenerateResponse) -> Self {
        self.push(Entry::Response(Box::new(response)))
    }

    /// Appends a response with this text.
    #[must_use]
    pub fn text(self, text: impl Into<String>, usage: Usage) -> Self {
        self.response(GenerateResponse {
            text: text.into(),
            reasoning: None,
            tool_calls: Vec::new(),
            usage,
            finish_reason: FinishReason::Stop,
        })
    }

    /// Appends a response with these tool calls.
    #[must_use]
    pub fn tools(self, tool_calls: impl IntoIterator<Item = ToolCall>, usage: Usage) -> Self {
        self.response(GenerateResponse {
            text: String::new(),
            reasoning: None,
            tool_calls: tool_calls.into_iter().collect(),
            usage,
            finish_reason: FinishReason::ToolCalls,
        })
    }

    /// Appends a response with these embeddings.
    #[must_use]
    pub fn vectors(self, embeddings: Vec<Vec<f32>>, usage: Usage) -> Self {
        self.push(Entry::Embeddings(EmbedResponse { embeddings, usage }))
    }

    /// Appends a stream of these parts. Without a [`StreamPart::Finished`] it is a stream that is cut.
    #[must_use]
    pub fn stream(self, parts: impl IntoIterator<Item = Result<StreamPart, AiError>>) -> Self {
        self.push(Entry::Stream { parts: parts.into_iter().collect(), hangs: false })
    }

    /// Appends a stream that never continues after these parts.
    #[must_use]
    pub fn hanging_stream(self, parts: impl IntoIterator<Item = Result<StreamPart, AiError>>) -> Self {
        self.push(Entry::Stream { parts: parts.into_iter().collect(), hangs: true })
    }

    /// Appends a failure.
    #[must_use]
    pub fn fail(self, error: AiError) -> Self {
        self.push(Entry::Failure(error))
    }

    /// Appends a request that never receives a response.
    #[must_use]
    pub fn no_response(self) -> Self {
        self.push(Entry::NoResponse)
    }

    /// Returns the requests for text, objects and streams received so far.
    #[must_use]
    pub fn requests(&self) -> Vec<GenerateRequest> {
        self.lock().requests.clone()
    }

    /// Returns the requests for embeddings received so far.
    #[must_use]
    pub fn embed_requests(&self) -> Vec<EmbedRequest> {
        self.lock().embeddings.clone()
    }

    fn push(self, entry: Entry) -> Self {
        self.lock().script.push_back(entry);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, request: &GenerateRequest) -> Option<Entry> {
        let mut state = self.lock();
        state.requests.push(request.clone());
        state.script.pop_front()
    }
}

#[async_trait]
impl AiProvider for ScriptedProvider {
    fn id(&self) -> &str {
        &self.id
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        Some(self)
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        match self.next(request) {
            Some(Entry::Response(response)) => Ok(*response),
            Some(Entry::Failure(error)) => Err(error),
            Some(Entry::NoResponse) => pending().await,
            other => Err(unfit(other.is_some(), "a response")),
        }
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        match self.next(request) {
            Some(Entry::Stream { parts, hangs: false }) => Ok(stream::iter(parts).boxed()),
            Some(Entry::Stream { parts, hangs: true }) => {
                Ok(stream::iter(parts).chain(stream::pending()).boxed())
            }
            Some(Entry::Failure(error)) => Err(error),
            Some(Entry::NoResponse) => pending().await,
            other => Err(unfit(other.is_some(), "a stream")),
        }
    }

    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        let entry = {
            let mut state = self.lock();
            state.embeddings.push(request.clone());
            state.script.pop_front()
        };
        match entry {
            Some(Entry::Embeddings(response)) => Ok(response),
            Some(Entry::Failure(error)) => Err(error),
            Some(Entry::NoResponse) => pending().await,
            other => Err(unfit(other.is_some(), "embeddings")),
        }
    }
}

fn unfit(has_entry: bool, expected: &str) -> AiError {
    let message = if has_entry {
        format!("the next entry of the script is not {expected}")
    } else {
        format!("the script has no more entries, but the request needs {expected}")
    };
    AiError::new(AiErrorKind::InvalidRequest, message)
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider").field("id", &self.id).finish_non_exhaustive()
    }
}
