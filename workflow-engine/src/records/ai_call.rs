//! A call of a language model, as the ledger keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::records::call_type::CallType;
use crate::value::{CallId, Cost, Json, RunId};

/// What is known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallStatus {
    /// It is about to be made, or under way; so much is reserved as it can cost at most.
    Reserved,
    /// It was answered, and its cost is known.
    Settled,
    /// It was refused, and has cost nothing.
    Failed,
    /// Its attempt died, or its answer was lost: it may have been made, and keeps its reservation.
    Unknown,
}

impl CallStatus {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows reads none")
    )]
    pub(crate) const ALL: [Self; 4] = [Self::Reserved, Self::Settled, Self::Failed, Self::Unknown];

    /// The stored name: `RESERVED`, `SETTLED`, `FAILED`, `UNKNOWN`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Settled => "SETTLED",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct AiCallRecord {
    /// Its name.
    pub id: CallId,
    /// The run, where it was made in a stage.
    pub run_id: Option<RunId>,
    /// The stage, where it was made in one.
    pub stage_id: Option<String>,
    /// The run's generation; 0 outside of a stage.
    pub generation: u32,
    /// The stage's attempt; 0 outside of a stage.
    pub attempt: u32,
    /// Segments, joined by dots: `workflow.{run}.stage.{stage}`, and what the program has added.
    pub topic: String,
    /// What it was for.
    pub call_type: CallType,
    /// The name under which the model is registered.
    pub model_key: String,
    /// The name under which the provider knows it.
    pub model_id: String,
    /// What was asked, unless that is switched off.
    pub prompt: Option<String>,
    /// What was answered, unless that is switched off.
    pub response: Option<String>,
    /// Of the prompt, those from the cache included.
    pub input_tokens: u64,
    /// Of those, from the cache.
    pub cached_input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
    /// What it has cost; nothing while that is not known.
    pub cost: Cost,
    /// What it can cost at most, while that is all that is known (`RESERVED`, `UNKNOWN`); nothing otherwise.
    pub reserved: Cost,
    /// Temperature, limits, why it stopped, how long it took: a JSON object.
    pub metadata: Option<Json>,
    /// What is known of it.
    pub outcome: CallStatus,
    /// Why it failed, or is unknown.
    pub error_message: Option<String>,
    /// When it was intended.
    pub created_at: DateTime<Utc>,
    /// When it was settled, failed, or became unknown.
    pub ended_at: Option<DateTime<Utc>>,
}
