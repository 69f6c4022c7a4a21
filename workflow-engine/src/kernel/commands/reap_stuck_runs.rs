//! `run.reapStuck`: repairs runs without a job that could move them, and fails those that cannot be repaired.
//!
//! No commit of the engine leaves a run stuck: the commit that completes a stage enqueues its successors. A run becomes
//! stuck when rows are lost or changed from outside, by a restored backup or by hand, or through a bug in the engine.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::definition::WorkflowDefinition;
use crate::error::{Error, ErrorCode};
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::compatibility::definition_of;
use crate::kernel::failure::cancel_open_stages;
use crate::kernel::repairs::repairs;
use crate::ports::{Change, Decision, RunEnd, Snapshot};
use crate::records::{RunError, Status};
use crate::value::RunId;

/// Repairs stuck runs as [`TransitionRun`](super::TransitionRun) does, and fails with `STUCK_RUN_REAPED` those that
/// cannot be repaired. A run is stuck when it lacks a job that is leased or can be claimed. A run that waits for a check,
/// a retry, a lease or a worker is never stuck, however long that takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReapStuckRuns {
    /// Only runs that have not changed for at least this long.
    #[serde(rename = "threshold_ms", with = "crate::value::milliseconds")]
    pub threshold: Duration,
}

/// The stuck runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReapStuckRunsOutput {
    /// The number of runs that make progress again, or have ended.
    pub repaired: usize,
    /// The number of runs that failed with `STUCK_RUN_REAPED`.
    pub failed: usize,
}

/// The number of runs in one pass. The next pass finds the rest.
const BATCH: usize = 100;

/// The result for one stuck run.
enum Reaped {
    Repaired,
    Failed,
}

#[async_trait]
impl Command for ReapStuckRuns {
    type Output = ReapStuckRunsOutput;
    const NAME: &'static str = "run.reapStuck";

    /// # Errors
    /// When the store cannot be read or written. A run that cannot be judged is logged, and does not delay the others.
    async fn execute(self, kernel: &Kernel) -> Result<ReapStuckRunsOutput, Error> {
        let mut reaped = ReapStuckRunsOutput::default();
        let definitions = kernel.definitions();
        for run_id in kernel.store().stuck_runs(&definitions, self.threshold, BATCH).await? {
            match reap(kernel, run_id, self.threshold).await {
                Ok(Some(Reaped::Failed)) => reaped.failed += 1,
                Ok(Some(Reaped::Repaired)) => reaped.repaired += 1,
                Ok(None) => {}
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => tracing::error!(run = %run_id, %error, "a stuck run could not be judged"),
            }
        }
        Ok(reaped)
    }
}

/// Repairs or fails a run. Returns `None` where it is not stuck after all.
async fn reap(kernel: &Kernel, run_id: RunId, threshold: Duration) -> Result<Option<Reaped>, Error> {
    let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let definition = definition_of(kernel, &run).await?.definition();
    let repair = move |snapshot: &Snapshot| {
        let is_running = snapshot.run.status == Status::Running;
        let changes = if is_running { repairs(snapshot, definition) } else { Vec::new() };
        (!changes.is_empty()).then(|| decision_at(snapshot, ReapStuckRuns::NAME, changes))
    };
    if commit_from_snapshot(kernel, run_id, repair).await?.is_some() {
        tracing::warn!(run = %run_id, "a stuck run was repaired");
        return Ok(Some(Reaped::Repaired));
    }
    let fail = move |snapshot: &Snapshot| decide_failure(snapshot, definition, threshold);
    if commit_from_snapshot(kernel, run_id, fail).await?.is_some() {
        tracing::error!(run = %run_id, code = %ErrorCode::StuckRunReaped, "a stuck run could not be repaired and has failed");
        return Ok(Some(Reaped::Failed));
    }
    Ok(None)
}

fn decide_failure(
    snapshot: &Snapshot,
    definition: &WorkflowDefinition,
    threshold: Duration,
) -> Option<Decision> {
    let is_stuck = snapshot.run.status == Status::Running
        && repairs(snapshot, definition).is_empty()
        && snapshot.lacks_a_job();
    if !is_stuck {
        return None;
    }
    let open = snapshot.stages.iter().filter(|stage| !stage.status.is_terminal());
    let open: Vec<String> = open.map(|stage| format!("`{}` ({})", stage.stage_id, stage.status)).collect();
    let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
    let message =
        format!("it made no progress for {threshold:?} and cannot be repaired; its open stages: {open}");
    let mut changes = cancel_open_stages(snapshot, None);
    let error = RunError { code: ErrorCode::StuckRunReaped.as_str().to_owned(), message };
    changes.push(Change::EndRun(RunEnd::Failed(error)));
    Some(decision_at(snapshot, ReapStuckRuns::NAME, changes))
}
