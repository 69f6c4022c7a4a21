//! Runs whose definition this process lacks: what they are said to wait for, and `run.failUnclaimed`.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::fail::cancel_open_stages;
use crate::error::Error;
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::records::{RunError, Status};
use crate::value::RunId;

/// Fails runs that no worker has claimed for so long although something of them is due, and that this process cannot
/// claim either: with `WORKFLOW_NOT_FOUND` where it lacks their workflow, with `DEFINITION_MISMATCH` where it has another
/// definition of it. Nothing but this command ends a run that waits for a worker.
///
/// A rerun by a process that has the definition takes such a run up again.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailUnclaimedRuns {
    /// How long they may wait.
    #[serde(rename = "limit_ms", with = "crate::value::milliseconds")]
    pub limit: Duration,
}

/// What was failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FailUnclaimedRunsOutput {
    /// Runs that failed.
    pub failed: usize,
}

/// Runs of one pass; what is left over is found by the next.
const BATCH: usize = 100;

#[async_trait]
impl Command for FailUnclaimedRuns {
    type Output = FailUnclaimedRunsOutput;
    const NAME: &'static str = "run.failUnclaimed";

    async fn execute(self, kernel: &Kernel) -> Result<FailUnclaimedRunsOutput, Error> {
        let mut failed = 0;
        for run_id in kernel.store().unclaimed_runs(&kernel.definitions(), self.limit, BATCH).await? {
            let Some(run) = kernel.store().run(run_id).await? else { continue };
            let found = kernel.registry().for_run(run_id, &run.workflow_id, &run.definition_fingerprint);
            let Err(reason) = found else { continue };
            let message = format!("{reason}; it has waited for {:?}", self.limit);
            let error = RunError { code: reason.code().as_str().to_owned(), message };
            let decide = move |snapshot: &Snapshot| decide(snapshot, &error);
            failed += usize::from(kernel.commit_from_snapshot(run_id, decide).await?.is_some());
        }
        Ok(FailUnclaimedRunsOutput { failed })
    }
}

fn decide(snapshot: &Snapshot, error: &RunError) -> Option<Decision> {
    if snapshot.run.status.is_terminal() || is_held(snapshot) {
        return None;
    }
    let mut changes = cancel_open_stages(snapshot, None);
    changes.push(Change::EndRun(RunEnd::Failed(error.clone())));
    let precondition = Precondition::Revision(snapshot.revision());
    Some(Decision { run_id: snapshot.run.id, precondition: precondition, idempotency: None, changes })
}

/// Whether some worker has it in its hands.
fn is_held(snapshot: &Snapshot) -> bool {
    snapshot.jobs.iter().any(|job| job.status == Status::Running)
}

impl Kernel {
    /// Why a run does not go on although something of it is due, as far as this process can tell: it lacks the run's
    /// workflow or definition, and no worker holds anything of it; or a stage of it waits for a budget.
    pub(crate) async fn blocked_reason(&self, run_id: RunId) -> Result<Option<Error>, Error> {
        let snapshot = self.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let run = &snapshot.run;
        if let Some(waits) = awaited_cost(&snapshot) {
            return Ok(Some(waits));
        }
        let found = self.registry().for_run(run_id, &run.workflow_id, &run.definition_fingerprint);
        let Err(reason) = found else { return Ok(None) };
        let now = self.clock().now();
        let mut open = snapshot.jobs.iter().filter(|job| job.status != Status::Running);
        let waits = match run.status {
            Status::Pending => true,
            Status::Running => {
                !is_held(&snapshot) && open.any(|job| job.moves(run.generation) && job.run_at <= now)
            }
            _ => false,
        };
        Ok(waits.then_some(reason))
    }
}

/// A stage that waits for its budget, of a run of which nobody does anything.
fn awaited_cost(snapshot: &Snapshot) -> Option<Error> {
    if snapshot.run.status != Status::Running || is_held(snapshot) {
        return None;
    }
    let stage = snapshot.stages.iter().find(|stage| stage.awaited_cost.is_some())?;
    let error = stage.error_message.as_deref().unwrap_or_default();
    Some(Error::awaited_cost(snapshot.run.id, &stage.stage_id, error))
}
