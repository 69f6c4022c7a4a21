//! The port of the ledger, and the two things that a caller writes to it: a reservation and an outcome.

use async_trait::async_trait;

use super::statistics::CallStatistics;
use crate::error::Error;
use crate::records::CallType;
use crate::telemetry::CallEnd;
use crate::value::{CallId, Cost, Json};

/// The ledger, as a caller of language models uses it.
///
/// Every call is reserved, sent, and then settled. In a stage the ledger belongs to the attempt, and its writes are
/// fenced by the attempt's lease.
#[async_trait]
pub trait CallLedger: Send + Sync {
    /// Reserves the maximum cost of a call. The reservation is durable when this returns, so the request may be sent.
    ///
    /// # Errors
    /// `BUDGET_EXCEEDED` if the settled and reserved costs, including this call, exceed the budget of the run or of the
    /// stage; `LEASE_LOST`; and if the store cannot be written. After an error the request must not be sent.
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error>;

    /// Settles a reserved call with its outcome.
    ///
    /// In a stage the outcome is buffered, and committed with the attempt's next reservation or with the attempt's own
    /// outcome, even if the attempt fails. Elsewhere it is durable when this returns.
    ///
    /// A call that is settled or failed does not change again. A call whose outcome is unknown may still be settled, in
    /// a stage also by a later attempt or a check.
    ///
    /// # Errors
    /// If the store cannot be written; the call stays reserved.
    async fn settle(&self, call: CallId, outcome: CallOutcome) -> Result<(), Error>;

    /// Counts the outcome of a call of this model in the engine's [measurements](crate::Engine::measurements). Called once
    /// for each outcome, before it is written. The default counts nothing.
    fn count(&self, _model_key: &str, _outcome: &CallOutcome) {}

    /// Returns sums over the calls of this topic and of the topics below it. Topics are compared by whole segments:
    /// `a.b` covers `a.b.c` and not `a.bc`. Outcomes that this attempt has not committed yet are not included.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error>;

    /// Returns the existing rows of a batch: for each item its custom id and the call that counts. In a stage this
    /// searches the stage's calls, elsewhere the calls of this topic.
    ///
    /// A batch that is found again keeps the rows under which it was submitted and gets no new ones. The default
    /// implementation returns no rows.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn rows_of_batch(&self, _topic: &str, _batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        Ok(Vec::new())
    }
}

/// The two names of a batch. Its rows have them in their metadata as `batch_token` and `batch`, beside the `custom_id`
/// of the item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchNames {
    /// The token under which the batch was submitted.
    pub token: String,
    /// The provider's id of the batch, which settled rows have.
    pub id: String,
}

/// A call that is about to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct CallReservation {
    /// Segments joined by dots: 1 to 512 bytes, no empty segment, no control characters.
    pub topic: String,
    /// The kind of call.
    pub call_type: CallType,
    /// The key under which the model is registered.
    pub model_key: String,
    /// The provider's id of the model.
    pub model_id: String,
    /// The prompt, as far as it is to be stored; truncated after 1 MiB.
    pub prompt: Option<String>,
    /// A JSON object.
    pub metadata: Option<Json>,
    /// The maximum cost of the call.
    pub reserve: Cost,
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// The provider served the call.
    Settled(SettledCall),
    /// The provider refused the call, at no cost. The reservation is released.
    Failed {
        /// The cause, without prompt and response.
        error: String,
    },
    /// The provider may have served the call. The reservation stays.
    Unknown {
        /// The cause, without prompt and response.
        error: String,
    },
}

/// The response of a served call, and its cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettledCall {
    /// The response, as far as it is to be stored; truncated after 1 MiB.
    pub response: Option<String>,
    /// Tokens of the prompt, including those that the provider read from its cache.
    pub input_tokens: u64,
    /// The input tokens that the provider read from its cache.
    pub cached_input_tokens: u64,
    /// Tokens of the response, including reasoning.
    pub output_tokens: u64,
    /// The exact cost.
    pub cost: Cost,
    /// If present, replaces the metadata of the reservation.
    pub metadata: Option<Json>,
}

impl CallOutcome {
    /// Returns the outcome as it is measured.
    pub(crate) const fn end(&self) -> CallEnd {
        match self {
            Self::Settled(SettledCall { input_tokens, output_tokens, cost, .. }) => {
                CallEnd::Settled { input_tokens: *input_tokens, output_tokens: *output_tokens, cost: *cost }
            }
            Self::Failed { .. } => CallEnd::Failed,
            Self::Unknown { .. } => CallEnd::Unknown,
        }
    }
}
