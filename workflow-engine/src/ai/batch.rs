//! Many calls handed over together, answered within a day, at a discount.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::error::AiError;
use super::request::GenerateRequest;
use super::response::GenerateResponse;

/// Whoever takes batches.
#[async_trait]
pub trait BatchProvider: Send + Sync {
    /// Hands the items over. `token` is kept with the batch where the provider has a place for it.
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError>;

    /// The batch that was handed over with this token, if the provider took it and can tell.
    /// `None` also where the provider has no place for a token: then nobody can know.
    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError>;

    /// Whether [`find`](Self::find) can tell.
    fn finds_by_token(&self) -> bool;

    /// How far it is.
    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError>;

    /// What became of its items, in no order; also of one that expired or was cancelled, as far as they were answered.
    /// An item that is missing was not answered.
    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError>;

    /// Asks the provider to stop. What it has answered by then is still to be had, and to be paid.
    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError>;
}

/// One call of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchItem {
    /// Names its result: 1 to 64 letters, digits, `_` and `-`; once in a batch.
    pub custom_id: String,
    /// The call; its timeout means nothing here.
    pub request: GenerateRequest,
}

/// A batch that a provider has taken: what is needed to ask for it again, from any process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedBatch {
    /// The provider's own name for it.
    pub id: String,
}

/// How far a batch is, and how much of it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStatus {
    /// How far it is.
    pub state: BatchState,
    /// Items answered well, where the provider says so.
    pub succeeded: Option<u32>,
    /// Items that failed, where the provider says so.
    pub failed: Option<u32>,
    /// Why all of it failed, where the provider says so.
    pub message: Option<String>,
}

/// The states of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Not begun.
    Pending,
    /// Under way, or about to stop.
    Processing,
    /// Over; items may have failed.
    Completed,
    /// Over, all of it refused.
    Failed,
    /// Over, for its time was up; some items may be answered.
    Expired,
    /// Over, for somebody stopped it; some items may be answered.
    Cancelled,
}

impl BatchState {
    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Expired | Self::Cancelled)
    }
}

/// What became of one item.
#[derive(Clone, Debug)]
pub struct ItemResult {
    /// The item's name.
    pub custom_id: String,
    /// Its answer, or why it has none.
    pub outcome: Result<GenerateResponse, AiError>,
}
