//! The port for batches: calls that are submitted together and served within a day, at a discount.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::request::GenerateRequest;
use super::response::GenerateResponse;
use crate::ledger::ai_error::AiError;

/// A provider that serves batches. See [`AiProvider::batches`](super::AiProvider::batches).
#[async_trait]
pub trait BatchProvider: Send + Sync {
    /// Submits the items as one batch. The provider stores `token` with the batch if it has a field for it.
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError>;

    /// Returns the batch that was submitted with this token. Returns `None` if there is no such batch, and also if the
    /// provider does not store tokens.
    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError>;

    /// Returns whether [`find`](Self::find) is reliable, that is, whether the provider stores tokens.
    fn finds_by_token(&self) -> bool;

    /// Returns the state of a batch.
    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError>;

    /// Returns the results of a terminal batch, in no particular order. Items that were not served are missing, for
    /// example in a batch that expired or was cancelled.
    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError>;

    /// Requests the provider to cancel a batch. The results of items that are already served remain available and are
    /// charged.
    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError>;
}

/// One call of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchItem {
    /// The id of the item: 1 to 64 letters, digits, `_` and `-`, unique in the batch.
    pub custom_id: String,
    /// The call. Its timeout is ignored.
    pub request: GenerateRequest,
}

/// A batch that a provider has accepted: the data that any process needs to check on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedBatch {
    /// The provider's id of the batch.
    pub id: String,
}

/// The state of a batch and its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStatus {
    /// The state.
    pub state: BatchState,
    /// The number of items that succeeded, if the provider reports it.
    pub succeeded: Option<u32>,
    /// The number of items that failed, if the provider reports it.
    pub failed: Option<u32>,
    /// The reason why the whole batch failed, if the provider reports it.
    pub message: Option<String>,
}

/// The states of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Accepted and not started.
    Pending,
    /// In progress, or about to stop.
    Processing,
    /// Terminal: the provider has processed every item. Single items may have failed.
    Completed,
    /// Terminal: the provider rejected the whole batch.
    Failed,
    /// Terminal: the provider's time limit passed. Some items may have results.
    Expired,
    /// Terminal: the batch was cancelled. Some items may have results.
    Cancelled,
}

impl BatchState {
    /// Returns whether the state is terminal, so that the results can be fetched.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Expired | Self::Cancelled)
    }
}

/// The result of one item.
#[derive(Clone, Debug)]
pub struct ItemResult {
    /// The id of the item.
    pub custom_id: String,
    /// The response, or the reason why there is none.
    pub outcome: Result<GenerateResponse, AiError>,
}
