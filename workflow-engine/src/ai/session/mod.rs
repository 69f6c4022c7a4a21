//! What a program calls models with: each call written down before it is made, and when it is known what it cost.

mod topic;
mod errors;
mod ending;
mod open_call;
mod request;
mod prompt;
mod choice;
mod options;
mod generation;
mod steps;
mod tool;
mod transcript;
mod response;
mod text;
mod schema;
mod object;
mod embed;
mod stream;
mod text_stream;
mod recorded;
mod batch;
mod stage;

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use batch::{AiBatch, BatchContent, BatchPrompt, BatchResponse, BatchTicket, SubmitBatch};
pub use choice::ModelChoice;
pub use embed::{Embed, EmbeddingResponse, Texts};
pub use object::GenerateObject;
pub use prompt::Prompt;
pub use recorded::RecordedCall;
pub use response::{ObjectResponse, TextResponse};
pub use stream::StreamText;
pub use text::GenerateText;
pub use text_stream::TextStream;
pub use tool::AiTool;

use super::client::AiClient;
use super::error::{AiError, AiErrorKind};
use crate::ledger::{CallLedger, CallStatistics};

/// Calls models. Every request is a row of the ledger: written as intended, with the most that it can cost, before it
/// leaves, and ended when it is known what became of it.
///
/// A stage has one as [`ctx.ai()`](crate::StageContext::ai). Clones are the same helper.
#[derive(Clone)]
pub struct AiSession {
    topic: String,
    shared: Arc<Shared>,
}

struct Shared {
    client: Option<AiClient>,
    ledger: Arc<dyn CallLedger>,
    cancellation: CancellationToken,
    /// The same in every attempt of a stage; `None` outside of one.
    token: Option<String>,
}

impl AiSession {
    /// One outside of a stage, whose calls go to this ledger under this topic: segments, joined by dots.
    #[must_use]
    pub fn new(client: &AiClient, topic: impl Into<String>, ledger: Arc<dyn CallLedger>) -> Self {
        let shared = Shared {
            client: Some(client.clone()),
            ledger,
            cancellation: CancellationToken::new(),
            token: None,
        };
        Self { topic: topic.into(), shared: Arc::new(shared) }
    }

    /// The same, until this token is cancelled: then calls stop with [`AiErrorKind::Cancelled`].
    #[must_use]
    pub fn cancelled_by(&self, cancellation: CancellationToken) -> Self {
        let shared = Shared {
            client: self.shared.client.clone(),
            ledger: Arc::clone(&self.shared.ledger),
            cancellation,
            token: self.shared.token.clone(),
        };
        Self { topic: self.topic.clone(), shared: Arc::new(shared) }
    }

    /// The topic of its calls.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The same with a longer topic, `topic.segment.id`, so that a part of the work has sums of its own. Dots in the two
    /// become `_`.
    #[must_use]
    pub fn child(&self, segment: &str, id: impl fmt::Display) -> Self {
        Self {
            topic: topic::join(&self.topic, &[segment, &id.to_string()]),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Asks a model for text: `helper.generate_text("gemini-2.5-flash", "Why?").await?`, with more to say in between.
    pub fn generate_text(&self, model: impl Into<ModelChoice>, prompt: impl Into<Prompt>) -> GenerateText {
        GenerateText::new(self, model.into(), prompt.into())
    }

    /// Asks a model for a value of the type `T`: its schema is sent, and the answer is checked against it.
    pub fn generate_object<T>(
        &self,
        model: impl Into<ModelChoice>,
        prompt: impl Into<Prompt>,
    ) -> GenerateObject<T> {
        GenerateObject::new(self, model.into(), prompt.into())
    }

    /// Asks a model for text, piece by piece.
    pub fn stream_text(&self, model: impl Into<ModelChoice>, prompt: impl Into<Prompt>) -> StreamText {
        StreamText::new(self, model.into(), prompt.into())
    }

    /// Asks a model for a vector of each text.
    pub fn embed(&self, model: impl Into<ModelChoice>, texts: impl Into<Texts>) -> Embed {
        Embed::new(self, model.into(), texts.into())
    }

    /// Many calls at once, answered within a day, at a discount.
    pub fn batch(&self, model: impl Into<ModelChoice>) -> AiBatch {
        AiBatch::new(self, model.into())
    }

    /// Writes down a call that the program has made by other means.
    ///
    /// # Errors
    /// [`AiErrorKind::NotFound`] when its model is not registered and it names no cost; [`AiErrorKind::BudgetExceeded`];
    /// [`AiErrorKind::Ledger`].
    pub async fn record_call(&self, call: RecordedCall) -> Result<(), AiError> {
        call.write(self).await
    }

    /// Sums over the calls of this topic and of those below it. What this attempt of a stage has ended is among them
    /// when the stage has committed.
    ///
    /// # Errors
    /// [`AiErrorKind::Ledger`].
    pub async fn stats(&self) -> Result<CallStatistics, AiError> {
        let statistics = self.shared.ledger.statistics(&self.topic).await;
        statistics.map_err(|error| {
            AiError::new(AiErrorKind::Ledger, format!("the ledger of calls cannot be read: {error}"))
        })
    }

    fn client(&self) -> Result<&AiClient, AiError> {
        self.shared.client.as_ref().ok_or_else(|| {
            let message = "this engine calls no models: give it a client with `EngineBuilder::ai`";
            AiError::new(AiErrorKind::Unsupported, message)
        })
    }
}

impl fmt::Debug for AiSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiSession").field("topic", &self.topic).finish_non_exhaustive()
    }
}
