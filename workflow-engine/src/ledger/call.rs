//! Where calls of language models are written down: before they are made, and when it is known what became of them.

use async_trait::async_trait;

use super::statistics::CallStatistics;

use crate::error::Error;
use crate::records::CallType;
use crate::value::{CallId, Cost, Json};

/// The ledger as whoever makes calls sees it. In a stage it belongs to the attempt: what it says is fenced by the
/// lease.
#[async_trait]
pub trait CallLedger: Send + Sync {
    /// Writes that a call is about to be made, and reserves what it can cost at most. When this returns, it is on disk,
    /// and the call may be made.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` when what is settled and reserved, with this call, is more than the run or the stage may
    /// spend; `LEASE_LOST`; and when the store cannot be written. The call must not be made then.
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error>;

    /// Says what became of it. In a stage this is kept, and written with the attempt's next intention or with its
    /// outcome, whatever that is; elsewhere it is on disk when this returns. Of a call that has ended already nothing
    /// changes; but what is unknown may become known, in a stage by a later attempt of it, or its check.
    ///
    /// # Errors
    /// When the store cannot be written; the call stays intended.
    async fn settle(&self, call: CallId, end: CallOutcome) -> Result<(), Error>;

    /// Sums over the calls of this topic and of those below it, by whole segments: `a.b` covers `a.b.c` and not
    /// `a.bc`. What this attempt has ended and not yet committed is not among them.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error>;

    /// The rows that there are already of a batch, in a stage of the stage, elsewhere of this topic: of each item its id
    /// and its row, the one that counts. A batch that is found again belongs to the rows under which it was handed over,
    /// and gets no others. A ledger that cannot tell answers none.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn rows_of_batch(&self, _topic: &str, _batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        Ok(Vec::new())
    }
}

/// The names that rows of a batch have in their metadata, as `batch_token` and as `batch`, beside the `custom_id` of
/// their item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchNames {
    /// Under which it was handed over.
    pub token: String,
    /// The provider's own, which rows have that are settled.
    pub id: String,
}

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct CallReservation {
    /// Segments, joined by dots: 1 to 512 bytes, no segment empty, no control characters.
    pub topic: String,
    /// What it is for.
    pub call_type: CallType,
    /// The name under which the model is registered.
    pub model_key: String,
    /// The name under which the provider knows it.
    pub model_id: String,
    /// What is asked, as far as it is to be kept; cut after 1 MiB.
    pub prompt: Option<String>,
    /// A JSON object.
    pub metadata: Option<Json>,
    /// What it can cost at most.
    pub reserve: Cost,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// It was answered.
    Settled(SettledCall),
    /// It was refused, and has cost nothing.
    Failed {
        /// Why; no prompt and no response.
        error: String,
    },
    /// Nobody knows whether it was answered; the reservation stays.
    Unknown {
        /// What is known; no prompt and no response.
        error: String,
    },
}

/// An answer, and what it has cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettledCall {
    /// What was answered, as far as it is to be kept; cut after 1 MiB.
    pub response: Option<String>,
    /// Of the prompt, those from the cache included.
    pub input_tokens: u64,
    /// Of those, from the cache.
    pub cached_input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
    /// Exactly.
    pub cost: Cost,
    /// Replaces what was given with the intention, where it is given.
    pub metadata: Option<Json>,
}
