//! The batch call: many prompts submitted together, whose results any process can fetch later.

mod prompt;
mod ticket;
mod submit;
mod results;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use prompt::BatchPrompt;
pub use results::{BatchContent, BatchResponse};
pub use submit::SubmitBatch;
pub use ticket::BatchTicket;

use super::AiSession;
use super::model_choice::ModelChoice;
use crate::ai::batch::{BatchProvider, BatchStatus};
use crate::ai::model::ModelConfig;
use crate::ai::provider::AiProvider;
use crate::ledger::ai_error::{AiError, AiErrorKind};

impl AiSession {
    /// Returns the batches of a model: many prompts, submitted together and served within a day at a discount.
    pub fn batch(&self, model: impl Into<ModelChoice>) -> AiBatch {
        AiBatch { session: self.clone(), choice: model.into() }
    }
}

/// The batches of one model, from [`AiSession::batch`].
///
/// [`submit`](Self::submit) returns a ticket, which is plain data and lets any process fetch the results. A stage that
/// waits for a batch returns the ticket; its check calls [`status`](Self::status) and then [`results`](Self::results).
#[derive(Clone)]
pub struct AiBatch {
    session: AiSession,
    choice: ModelChoice,
}

impl AiBatch {
    /// Submits prompts as one batch. Each is a row of the ledger, which reserves its maximum cost at the batch price.
    ///
    /// The custom ids identify the results. Each has 1 to 64 letters, digits, `_` and `-`, and is unique in the batch.
    pub fn submit<I: Into<BatchPrompt>>(&self, items: impl IntoIterator<Item = I>) -> SubmitBatch {
        SubmitBatch::new(self, items.into_iter().map(Into::into).collect())
    }

    /// Returns the state of a batch.
    ///
    /// # Errors
    /// The provider's errors; transient ones are retried first.
    pub async fn status(&self, ticket: &BatchTicket) -> Result<BatchStatus, AiError> {
        let target = BatchTarget::new(&self.session, &ticket.model)?;
        let provider = target.provider()?;
        let batch = ticket.submitted();
        self.with_retries(|| provider.status(&batch)).await
    }

    /// Returns the results of a terminal batch, in the order in which the items were submitted. The row of each item is
    /// settled once, even if the results are fetched several times.
    ///
    /// # Errors
    /// [`AiErrorKind::InvalidRequest`] if the batch is not terminal; the provider's errors; [`AiErrorKind::Ledger`].
    pub async fn results(&self, ticket: &BatchTicket) -> Result<Vec<BatchResponse>, AiError> {
        results::fetch(self, ticket).await
    }

    /// Requests the provider to cancel a batch. Items that are served before the cancellation takes effect are charged;
    /// fetch their [`results`](Self::results) once the batch is terminal.
    ///
    /// # Errors
    /// The provider's errors; transient ones are retried first.
    pub async fn cancel(&self, ticket: &BatchTicket) -> Result<(), AiError> {
        let target = BatchTarget::new(&self.session, &ticket.model)?;
        let provider = target.provider()?;
        let batch = ticket.submitted();
        self.with_retries(|| provider.cancel(&batch)).await
    }

    /// Sends a request that is free and idempotent, and retries transient failures.
    async fn with_retries<'a, T>(
        &self,
        request: impl Fn() -> BoxFuture<'a, Result<T, AiError>>,
    ) -> Result<T, AiError> {
        let client = self.session.client()?;
        let mut delays = client.retry_delays(None);
        loop {
            self.session.ensure_active()?;
            let error = match self.session.unless_cancelled(request()).await? {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let Some(delay) = delays.next_after(&error) else { return Err(error) };
            self.session.unless_cancelled(client.clock().sleep(delay)).await?;
        }
    }
}

impl fmt::Debug for AiBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiBatch").field("model", &self.choice.key).finish_non_exhaustive()
    }
}

/// The model of a batch and the provider that serves it.
struct BatchTarget {
    model_key: String,
    model: ModelConfig,
    provider: Arc<dyn AiProvider>,
}

impl BatchTarget {
    fn new(session: &AiSession, model_key: &str) -> Result<Self, AiError> {
        let client = session.client()?;
        let model = client.models().get(model_key)?;
        let provider = client.provider_of(model_key, model)?;
        Ok(Self { model_key: model_key.to_owned(), model: model.clone(), provider })
    }

    fn provider(&self) -> Result<&dyn BatchProvider, AiError> {
        self.provider.batches().ok_or_else(|| {
            let message = format!(
                "provider `{}` of model `{}` does not support batches",
                self.model.provider, self.model_key
            );
            AiError::new(AiErrorKind::Unsupported, message)
        })
    }
}
