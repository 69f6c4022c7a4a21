//! A provider that answers from a list, for tests and examples.

mod batches;

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use self::batches::{Batches, Taken};
use crate::ai::batch::BatchProvider;
use crate::ai::message::ToolCall;
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, FinishReason, GenerateResponse, GenerateStream, StreamPart};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

/// Answers each request with the next line of its script, and keeps the requests. Clones are the same provider.
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
    script: VecDeque<Line>,
    requests: Vec<GenerateRequest>,
    embeddings: Vec<EmbedRequest>,
    batches: Batches,
}

enum Line {
    Answer(Box<GenerateResponse>),
    Vectors(EmbedResponse),
    Stream { parts: Vec<Result<StreamPart, AiError>>, hangs: bool },
    Failure(AiError),
    Silence,
    Batch(Taken),
}

impl ScriptedProvider {
    /// One with this id and an empty script.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), state: Arc::default() }
    }

    /// Then it answers this.
    #[must_use]
    pub fn answer(self, response: GenerateResponse) -> Self {
        self.line(Line::Answer(Box::new(response)))
    }

    /// Then it answers this text.
    #[must_use]
    pub fn text(self, text: impl Into<String>, usage: Usage) -> Self {
        self.answer(GenerateResponse {
            text: text.into(),
            reasoning: None,
            tool_calls: Vec::new(),
            usage,
            finish_reason: FinishReason::Stop,
        })
    }

    /// Then it wants these tools called.
    #[must_use]
    pub fn tools(self, tool_calls: impl IntoIterator<Item = ToolCall>, usage: Usage) -> Self {
        self.answer(GenerateResponse {
            text: String::new(),
            reasoning: None,
            tool_calls: tool_calls.into_iter().collect(),
            usage,
            finish_reason: FinishReason::ToolCalls,
        })
    }

    /// Then it makes these vectors.
    #[must_use]
    pub fn vectors(self, embeddings: Vec<Vec<f32>>, usage: Usage) -> Self {
        self.line(Line::Vectors(EmbedResponse { embeddings, usage }))
    }

    /// Then it streams these pieces, and ends. Without a [`StreamPart::Finished`] that is a stream that is cut.
    #[must_use]
    pub fn stream(self, parts: impl IntoIterator<Item = Result<StreamPart, AiError>>) -> Self {
        self.line(Line::Stream { parts: parts.into_iter().collect(), hangs: false })
    }

    /// The same, but that after the last of them nothing comes, for ever.
    #[must_use]
    pub fn stream_that_hangs(self, parts: impl IntoIterator<Item = Result<StreamPart, AiError>>) -> Self {
        self.line(Line::Stream { parts: parts.into_iter().collect(), hangs: true })
    }

    /// Then it fails.
    #[must_use]
    pub fn fail(self, error: AiError) -> Self {
        self.line(Line::Failure(error))
    }

    /// Then it never answers.
    #[must_use]
    pub fn silence(self) -> Self {
        self.line(Line::Silence)
    }

    /// What it was asked so far, for text, objects and streams.
    #[must_use]
    pub fn requests(&self) -> Vec<GenerateRequest> {
        self.lock().requests.clone()
    }

    /// What it was asked so far for vectors.
    #[must_use]
    pub fn embed_requests(&self) -> Vec<EmbedRequest> {
        self.lock().embeddings.clone()
    }

    fn line(self, line: Line) -> Self {
        self.lock().script.push_back(line);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, request: &GenerateRequest) -> Option<Line> {
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
            Some(Line::Answer(response)) => Ok(*response),
            Some(Line::Failure(error)) => Err(error),
            Some(Line::Silence) => pending().await,
            other => Err(unfit(other.is_some(), "an answer")),
        }
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        match self.next(request) {
            Some(Line::Stream { parts, hangs: false }) => Ok(stream::iter(parts).boxed()),
            Some(Line::Stream { parts, hangs: true }) => {
                Ok(stream::iter(parts).chain(stream::pending()).boxed())
            }
            Some(Line::Failure(error)) => Err(error),
            Some(Line::Silence) => pending().await,
            other => Err(unfit(other.is_some(), "a stream")),
        }
    }

    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        let line = {
            let mut state = self.lock();
            state.embeddings.push(request.clone());
            state.script.pop_front()
        };
        match line {
            Some(Line::Vectors(response)) => Ok(response),
            Some(Line::Failure(error)) => Err(error),
            Some(Line::Silence) => pending().await,
            other => Err(unfit(other.is_some(), "vectors")),
        }
    }
}

fn unfit(has_line: bool, wanted: &str) -> AiError {
    let message = if has_line {
        format!("the next line of the script is not {wanted}")
    } else {
        format!("the script is at its end, and {wanted} is wanted")
    };
    AiError::new(AiErrorKind::InvalidRequest, message)
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider").field("id", &self.id).finish_non_exhaustive()
    }
}
