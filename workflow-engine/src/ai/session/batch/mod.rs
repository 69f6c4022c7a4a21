//! Many calls at once, looked after from any process.

mod prompt;
mod ticket;
mod token;
mod submit;
mod response;
mod results;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use prompt::BatchPrompt;
pub use response::{BatchContent, BatchResponse};
pub use submit::SubmitBatch;
pub use ticket::BatchTicket;

use super::AiSession;
use super::choice::ModelChoice;
use crate::ai::batch::{BatchProvider, BatchStatus};
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::model::ModelConfig;
use crate::ai::provider::AiProvider;

/// Batches of calls of one model, made by [`AiSession::batch`].
///
/// What [`submit`](Self::submit) answers is a ticket: data that says all that is needed to ask for the results, from
/// any process. A stage that waits returns it, and its check asks for the [`status`](Self::status) and then for the
/// [`results`](Self::results).
#[derive(Clone)]
pub struct AiBatch {
    helper: AiSession,
    choice: ModelChoice,
}

impl AiBatch {
    pub(super) fn new(helper: &AiSession, choice: ModelChoice) -> Self {
        Self { helper: helper.clone(), choice }
    }

    /// Hands the items over. Each is a row of the ledger, which reserves what it can cost at the price of a batch.
    ///
    /// Ids name the results: 1 to 64 letters, digits, `_` and `-`, each once.
    pub fn submit<I: Into<BatchPrompt>>(&self, items: impl IntoIterator<Item = I>) -> SubmitBatch {
        SubmitBatch::new(self, items.into_iter().map(Into::into).collect())
    }

    /// How far it is.
    ///
    /// # Errors
    /// Those of the provider; what may pass is repeated.
    pub async fn status(&self, ticket: &BatchTicket) -> Result<BatchStatus, AiError> {
        let far = FarSide::new(&self.helper, &ticket.model)?;
        let batches = far.batches()?;
        let batch = ticket.submitted();
        self.repeat(|| batches.status(&batch)).await
    }

    /// What became of the items of a batch that is over, in the order in which they were submitted. Each row of the
    /// ledger is settled, once, however often this is asked.
    ///
    /// # Errors
    /// [`AiErrorKind::InvalidRequest`] when it is not over; those of the provider; [`AiErrorKind::Ledger`].
    pub async fn results(&self, ticket: &BatchTicket) -> Result<Vec<BatchResponse>, AiError> {
        results::fetch(self, ticket).await
    }

    /// Asks the provider to stop. What it has answered by then is still to be had, and to be paid: ask for the
    /// [`results`](Self::results) when the batch is over.
    ///
    /// # Errors
    /// Those of the provider; what may pass is repeated.
    pub async fn cancel(&self, ticket: &BatchTicket) -> Result<(), AiError> {
        let far = FarSide::new(&self.helper, &ticket.model)?;
        let batches = far.batches()?;
        let batch = ticket.submitted();
        self.repeat(|| batches.cancel(&batch)).await
    }

    /// A request that costs nothing and may be repeated.
    async fn repeat<'a, T>(
        &self,
        send: impl Fn() -> BoxFuture<'a, Result<T, AiError>>,
    ) -> Result<T, AiError> {
        let client = self.helper.client()?;
        let mut waits = client.waits(None);
        loop {
            self.helper.ensure_active()?;
            let error = match self.helper.unless_cancelled(send()).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(wait) = waits.next(&error) else { return Err(error) };
            self.helper.unless_cancelled(client.clock().sleep(wait)).await?;
        }
    }
}

impl fmt::Debug for AiBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiBatch").field("model", &self.choice.key).finish_non_exhaustive()
    }
}

/// Who serves a model.
struct FarSide {
    model_key: String,
    model: ModelConfig,
    provider: Arc<dyn AiProvider>,
}

impl FarSide {
    fn new(helper: &AiSession, model_key: &str) -> Result<Self, AiError> {
        let client = helper.client()?;
        let model = client.models().get(model_key)?;
        let provider = client.provider_of(model_key, model)?;
        Ok(Self { model_key: model_key.to_owned(), model: model.clone(), provider })
    }

    fn batches(&self) -> Result<&dyn BatchProvider, AiError> {
        self.provider.batches().ok_or_else(|| {
            let message =
                format!("provider `{}` of model `{}` takes no batches", self.model.provider, self.model_key);
            AiError::new(AiErrorKind::Unsupported, message)
        })
    }
}
