//! `run.reapStuck`: finds runs that nothing moves, repairs them, and fails those that cannot be repaired.
//!
//! No commit of ours leaves a run stuck: whoever completes a stage enqueues what follows in that commit. A run is found
//! here after rows were lost or changed from outside, by a restored backup or by hand, or after a mistake of ours.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::fail::cancel_open_stages;
use super::transition::repairs;
use crate::definition::WorkflowDefinition;
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::records::{RunError, Status};
use crate::value::RunId;

/// Brings runs forward that nothing moves, as [`TransitionRun`](super::TransitionRun) does, and fails with
/// `STUCK_RUN_REAPED` what even that does not move. A run that waits for a check, a retry, a lease or a worker is never
/// stuck, however long that takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReapStuckRuns {
    /// Only runs of which nothing has happened for so long.
    #[serde(rename = "threshold_ms", with = "crate::value::milliseconds")]
    pub threshold: Duration,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReapStuckRunsOutput {
    /// Runs that move again, or are at their end.
    pub repaired: usize,
    /// Runs that failed with `STUCK_RUN_REAPED`.
    pub failed: usize,
}

/// Runs of one pass; what is left over is found by the next.
const BATCH: usize = 100;

#[async_trait]
impl Command for ReapStuckRuns {
    type Output = ReapStuckRunsOutput;
    const NAME: &'static str = "run.reapStuck";

    /// # Errors
    /// When the store cannot be read or written. One run that cannot be judged does not hold up the others.
    async fn execute(self, kernel: &Kernel) -> Result<ReapStuckRunsOutput, Error> {
        let mut reaped = ReapStuckRunsOutput::default();
        let definitions = kernel.definitions();
        for run_id in kernel.store().stuck_runs(&definitions, self.threshold, BATCH).await? {
            match reap(kernel, run_id, self.threshold).await {
                Ok(Some(Reaped::Failed)) => reaped.failed += 1,
                Ok(Some(Reaped::Repaired)) => reaped.repaired += 1,
                Ok(None) => {}
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => tracing::error!(run = %run_id, %error, "a stuck run was not judged"),
            }
        }
        Ok(reaped)
    }
}

/// What became of a stuck run.
enum Reaped {
    Repaired,
    Failed,
}

/// Repairs the run, or fails it; `None` where it was not stuck after all.
async fn reap(kernel: &Kernel, run_id: RunId, threshold: Duration) -> Result<Option<Reaped>, Error> {
    let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let definition = kernel.definition_of(&run).await?.definition();
    let repair = move |snapshot: &Snapshot| {
        let is_running = snapshot.run.status == Status::Running;
        let changes = if is_running { repairs(snapshot, definition) } else { Vec::new() };
        (!changes.is_empty()).then(|| decision(snapshot, changes))
    };
    if kernel.commit_from_snapshot(run_id, repair).await?.is_some() {
        tracing::warn!(run = %run_id, "a stuck run was brought forward");
        return Ok(Some(Reaped::Repaired));
    }
    let fail = move |snapshot: &Snapshot| decide_failure(snapshot, definition, threshold);
    if kernel.commit_from_snapshot(run_id, fail).await?.is_some() {
        tracing::error!(run = %run_id, code = %ErrorCode::StuckRunReaped, "a stuck run was failed");
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
    let message = format!("nothing moved it for {threshold:?}, and nothing can; its open stages: {open}");
    let mut changes = cancel_open_stages(snapshot, None);
    changes.push(Change::EndRun(RunEnd::Failed(RunError {
        code: ErrorCode::StuckRunReaped.as_str().to_owned(),
        message,
    })));
    Some(decision(snapshot, changes))
}

fn decision(snapshot: &Snapshot, changes: Vec<Change>) -> Decision {
    let precondition = Precondition::Revision(snapshot.revision());
    Decision { run_id: snapshot.run.id, precondition: precondition, idempotency: None, changes }
}
