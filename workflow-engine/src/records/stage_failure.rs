//! Why a stage failed, as the value that `catch` passes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Place, StageKey};

/// Why a stage inside of a `catch` failed and is not retried: the `Err` of what the `catch` passes on.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn charge(cents: u64) -> StageResult<String> {
///     Err(StageError::permanent(format!("{cents} cents are too much")))
/// }
///
/// #[stage]
/// async fn note(charged: Result<String, StageFailure>) -> StageResult<String> {
///     Ok(charged.unwrap_or_else(|failure| format!("{}: {}", failure.stage_id, failure.message)))
/// }
///
/// workflow! { Paying = catch(charge) >> note }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Paying>().build().await?;
/// let run = engine.start::<Paying>(ChargeInput { cents: 7 }).await?;
/// assert_eq!(run.output().await?, "charge: 7 cents are too much");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StageFailure {
    /// The stage that failed.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The stable code with which the run would have failed: `STAGE_FAILED`, `WAIT_TIMED_OUT`, `WORKER_LOST`, …
    pub code: String,
    /// The text of the failure.
    pub message: String,
    /// The number of attempts that the stage had.
    pub attempts: u32,
}

impl StageFailure {
    pub(crate) fn new(stage_key: &StageKey, code: &str, message: &str, attempts: u32) -> Self {
        let StageKey { id: stage_id, place } = stage_key.clone();
        Self { stage_id, place, code: code.to_owned(), message: message.to_owned(), attempts }
    }
}
