//! Checks the places that callers name.

use super::Kernel;
use crate::error::Error;
use crate::value::{RunId, StageKey};

/// Checks that the run has the place that a key names. A stage that its run has once need not be stored yet.
///
/// # Errors
/// `STAGE_NOT_FOUND`.
pub(super) async fn check_place(kernel: &Kernel, run_id: RunId, stage_key: &StageKey) -> Result<(), Error> {
    if stage_key.place.is_empty() || kernel.store().stage(run_id, stage_key).await?.is_some() {
        return Ok(());
    }
    Err(Error::stage_not_found(run_id, stage_key))
}
