//! The session through which a program calls models. Each call is reserved in the ledger before it is sent, and settled
//! afterwards.
//!
//! One file holds one kind of call: its method on [`AiSession`], its builder and its response. All of them send through
//! `request`.

mod model_choice;
mod prompt;
mod text;
mod object;
mod stream;
mod embed;
mod batch;
mod recorded;

mod generation;
mod schema;
mod tool;
mod steps;
mod transcript;
mod request;
mod stage;

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use batch::{AiBatch, BatchContent, BatchPrompt, BatchResponse, BatchTicket, SubmitBatch};
pub use embed::{Embed, EmbeddingResponse, Texts};
pub use model_choice::ModelChoice;
pub use object::{GenerateObject, ObjectResponse};
pub use prompt::Prompt;
pub use recorded::RecordedCall;
pub use stream::{StreamText, TextStream};
pub use text::{GenerateText, TextResponse};
pub use tool::AiTool;

use super::client::AiClient;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::{CallLedger, CallStatistics};

/// Calls models under one topic of a ledger.
///
/// Every request is a row of the ledger: reserved with its maximum cost before the request is sent, and settled with
/// its outcome afterwards.
///
/// A stage gets a session from [`ctx.ai()`](crate::StageContext::ai). Clones share the client and the ledger.
#[derive(Clone)]
pub struct AiSession {
    topic: String,
    shared: Arc<Shared>,
}

struct Shared {
    client: Option<AiClient>,
    ledger: Arc<dyn CallLedger>,
    cancellation: CancellationToken,
    /// The stage's idempotency token, equal in all attempts; `None` outside of a stage.
    token: Option<String>,
}

impl AiSession {
    /// Creates a session outside of a stage, whose calls are rows of this ledger under this topic: segments joined by
    /// dots.
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

    /// Returns the same session with this cancellation token. Once the token is cancelled, calls fail with
    /// [`AiErrorKind::Cancelled`].
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

    /// Returns the topic of the session's calls.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the same session under the longer topic `topic.segment.id`, so that a part of the work has its own
    /// sums. Dots in `segment` and `id` become `_`.
    #[must_use]
    pub fn child(&self, segment: &str, id: impl fmt::Display) -> Self {
        Self { topic: join_topic(&self.topic, &[segment, &id.to_string()]), shared: Arc::clone(&self.shared) }
    }

    /// Returns sums over the calls of this topic and of the topics below it. In a stage, the outcomes of the current
    /// attempt are included only after they are committed.
    ///
    /// # Errors
    /// [`AiErrorKind::Ledger`] if the ledger cannot be read.
    pub async fn stats(&self) -> Result<CallStatistics, AiError> {
        let statistics = self.shared.ledger.statistics(&self.topic).await;
        statistics.map_err(|error| {
            AiError::new(AiErrorKind::Ledger, format!("the ledger of calls cannot be read: {error}"))
        })
    }

    fn client(&self) -> Result<&AiClient, AiError> {
        self.shared.client.as_ref().ok_or_else(|| {
            let message = "this engine has no client for models: install one with `EngineBuilder::ai`";
            AiError::new(AiErrorKind::Unsupported, message)
        })
    }
}

impl fmt::Debug for AiSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiSession").field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// Appends segments to a topic. Dots and control characters become `_`, since a dot would start another segment; an
/// empty segment becomes `_`.
fn join_topic(topic: &str, segments: &[&str]) -> String {
    let plain = |c: char| if c == '.' || c.is_control() { '_' } else { c };
    let mut joined = topic.to_owned();
    for segment in segments {
        joined.push('.');
        if segment.is_empty() {
            joined.push('_');
        }
        joined.extend(segment.chars().map(plain));
    }
    joined
}
