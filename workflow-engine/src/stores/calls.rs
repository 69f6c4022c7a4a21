//! Rows of the ledger as a transaction reads and writes them.

use chrono::{DateTime, Utc};

use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::records::{AiCallRecord, CallStatus};
use crate::value::{CallId, Cost, Json, Place, RunId, StageKey};

/// A stored call, as far as a decision needs it.
#[derive(Clone, Debug)]
pub(super) struct CallRow {
    /// `None` for a call outside of every stage.
    pub(super) run_id: Option<RunId>,
    pub(super) stage_key: Option<StageKey>,
    pub(super) outcome: CallStatus,
    pub(super) reserved: Cost,
}

/// A call that is about to be made, as it is inserted.
#[derive(Clone, Debug)]
pub(crate) struct ReservedRow {
    pub(crate) record: AiCallRecord,
    /// The epoch of the lease under which the call is made; 0 outside of every stage.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows needs the record alone")
    )]
    pub(super) lease_epoch: u64,
}

/// The outcome of a call, as it is written to its row.
#[derive(Clone, Debug)]
pub(crate) struct SettledRow {
    pub(super) id: CallId,
    pub(super) outcome: CallStatus,
    /// All zero unless the outcome is `SETTLED`.
    pub(super) settled: SettledCall,
    pub(super) error: Option<String>,
    pub(super) at: DateTime<Utc>,
}

/// A stage whose lease has ended: its reserved calls become unknown.
#[derive(Clone, Debug)]
pub(super) struct VoidedCalls {
    pub(super) run_id: RunId,
    pub(super) stage_key: StageKey,
    pub(super) at: DateTime<Utc>,
}

/// The error of a call whose attempt ended before it.
pub(super) const LOST_CALL: &str = "its attempt ended before it did";

impl ReservedRow {
    /// Creates the row of a call outside of every stage.
    pub(crate) fn without_stage(id: CallId, call: CallReservation, at: DateTime<Utc>) -> Self {
        let record = AiCallRecord {
            id,
            run_id: None,
            stage_id: None,
            place: Place::default(),
            generation: 0,
            attempt: 0,
            topic: call.topic,
            call_type: call.call_type,
            model_key: call.model_key,
            model_id: call.model_id,
            prompt: call.prompt,
            response: None,
            input_tokens: 0,
            cached_input_tokens: 0,
            output_tokens: 0,
            cost: Cost::ZERO,
            reserved: call.reserve,
            metadata: call.metadata,
            outcome: CallStatus::Reserved,
            error_message: None,
            created_at: at,
            ended_at: None,
        };
        Self { record, lease_epoch: 0 }
    }
}

impl SettledRow {
    /// Creates the outcome of a call.
    pub(crate) fn new(id: CallId, outcome: CallOutcome, at: DateTime<Utc>) -> Self {
        let (outcome, settled, error) = match outcome {
            CallOutcome::Settled(settled) => (CallStatus::Settled, settled, None),
            CallOutcome::Failed { error } => (CallStatus::Failed, SettledCall::default(), Some(error)),
            CallOutcome::Unknown { error } => (CallStatus::Unknown, SettledCall::default(), Some(error)),
        };
        Self { id, outcome, settled, error, at }
    }

    /// Returns the JSON text that replaces the metadata of the reservation, if there is one.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows needs the record alone")
    )]
    pub(super) fn metadata(&self) -> Option<&str> {
        self.settled.metadata.as_ref().map(Json::as_str)
    }

    /// Returns whether this outcome replaces `stored`: any outcome replaces a reservation, and only a certain one
    /// replaces an unknown one.
    pub(crate) const fn supersedes(&self, stored: CallStatus) -> bool {
        match stored {
            CallStatus::Reserved => true,
            CallStatus::Unknown => !matches!(self.outcome, CallStatus::Unknown),
            CallStatus::Settled | CallStatus::Failed => false,
        }
    }

    /// Writes the outcome to the call's row, if it supersedes the stored one.
    pub(crate) fn apply_to(self, record: &mut AiCallRecord) {
        if !self.supersedes(record.outcome) {
            return;
        }
        let SettledCall { response, input_tokens, cached_input_tokens, output_tokens, cost, metadata } =
            self.settled;
        record.outcome = self.outcome;
        record.response = response;
        record.input_tokens = input_tokens;
        record.cached_input_tokens = cached_input_tokens;
        record.output_tokens = output_tokens;
        record.cost = cost;
        if self.outcome != CallStatus::Unknown {
            record.reserved = Cost::ZERO;
        }
        record.metadata = metadata.or_else(|| record.metadata.take());
        record.error_message = self.error;
        record.ended_at = Some(self.at);
    }
}

/// Returns whether `topic` covers `other`, compared by whole segments.
pub(crate) fn covers(topic: &str, other: &str) -> bool {
    other.strip_prefix(topic).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
