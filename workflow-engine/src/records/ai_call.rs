//! A call of a language model, as the ledger stores it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call_status::CallStatus;
use super::call_type::CallType;
use super::present_field::present;
use crate::value::{CallId, Cost, Json, Place, RunId, StageKey};

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AiCallRecord {
    /// The call's id.
    pub id: CallId,
    /// The run; `None` for a call outside of a stage.
    pub run_id: Option<RunId>,
    /// The stage; `None` for a call outside of a stage.
    pub stage_id: Option<String>,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The run's generation; 0 outside of a stage.
    pub generation: u32,
    /// The stage's attempt; 0 outside of a stage.
    pub attempt: u32,
    /// The topic: segments joined by dots, `workflow.{run}.stage.{stage}` and those that the program appends.
    pub topic: String,
    /// The purpose.
    pub call_type: CallType,
    /// The name under which the program has registered the model.
    pub model_key: String,
    /// The provider's name of the model.
    pub model_id: String,
    /// The prompt, unless capturing it is switched off.
    pub prompt: Option<String>,
    /// The response, unless capturing it is switched off.
    pub response: Option<String>,
    /// The tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// The tokens of the prompt that the provider read from its cache.
    pub cached_input_tokens: u64,
    /// The tokens of the response.
    pub output_tokens: u64,
    /// The cost; zero while it is unknown.
    pub cost: Cost,
    /// The most that the call can cost, while the cost is unknown (`RESERVED`, `UNKNOWN`); zero otherwise.
    pub reserved: Cost,
    /// A JSON object: temperature, limits, stop reason, duration.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub metadata: Option<Json>,
    /// The status.
    pub outcome: CallStatus,
    /// The reason why the call failed or is unknown.
    pub error_message: Option<String>,
    /// The instant at which the call was reserved.
    pub created_at: DateTime<Utc>,
    /// The instant at which the call was settled, failed or became unknown.
    pub ended_at: Option<DateTime<Utc>>,
}

impl AiCallRecord {
    /// Returns the key of its stage, if it is a call of a stage.
    pub(crate) fn stage_key(&self) -> Option<StageKey> {
        Some(StageKey { id: self.stage_id.clone()?, place: self.place.clone() })
    }
}
