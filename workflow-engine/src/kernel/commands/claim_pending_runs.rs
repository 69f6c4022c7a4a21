//! `run.claimPending`: starts `PENDING` runs.

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::{Error, ErrorCode};
use crate::kernel::Kernel;
use crate::kernel::compatibility::definition_of;
use crate::kernel::links::wake_parent;
use crate::kernel::start_plan::{first_stages, start_changes};
use crate::ports::{Change, Commit, Decision, Precondition, Revision, RunEnd};
use crate::records::{Claimant, ClaimedJob, RunError, RunRecord};
use crate::value::RunId;

/// Starts `PENDING` runs by priority; among equals the workflows take turns, and within a workflow the oldest run is
/// first. A run whose workflow or definition is not registered in this process is left for one that has it. A run that
/// cannot be started fails, with `EMPTY_STAGE_GRAPH` or `CLAIM_FAILED`, and does not delay the others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimPendingRuns {
    /// The claimant's name.
    pub worker_id: String,
    /// At most this many runs. Default in JSON: 10.
    #[serde(default = "ten", alias = "max_claims", alias = "maxClaims")]
    pub limit: usize,
    /// How many of the jobs that become ready the claimant takes, over all of these runs. Default in JSON: 0.
    #[serde(default)]
    pub slots: usize,
}

fn ten() -> usize {
    10
}

/// The runs that were started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClaimPendingRunsOutput {
    /// The runs, in the order in which they were claimed.
    pub claimed: Vec<ClaimedRun>,
}

/// A run that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimedRun {
    /// The run.
    pub run_id: RunId,
    /// The workflow.
    pub workflow_id: String,
    /// The first jobs of the run that the claimant holds.
    pub jobs: Vec<ClaimedJob>,
}

#[async_trait]
impl Command for ClaimPendingRuns {
    type Output = ClaimPendingRunsOutput;
    const NAME: &'static str = "run.claimPending";

    async fn execute(self, kernel: &Kernel) -> Result<ClaimPendingRunsOutput, Error> {
        let mut pending = kernel.store().pending_runs(&kernel.definitions(), self.limit).await?;
        let rest = self.limit.saturating_sub(pending.len());
        if rest > 0 {
            pending.extend(kernel.store().due_runs(&kernel.definitions(), rest).await?);
        }
        let claimant = Claimant { worker_id: self.worker_id, lease: kernel.lease(), number: None };
        let (shared, slots) = (kernel.shared(), self.slots);
        let starts = async move { start_pending(&shared, pending, &claimant, slots).await };
        // If the caller stops waiting, the jobs that were claimed for it return to the queue.
        let started = kernel.detach(starts, |kernel, started: Result<Vec<ClaimedRun>, Error>| {
            kernel.return_jobs(started.into_iter().flatten().flat_map(|run| run.jobs).collect());
        });
        Ok(ClaimPendingRunsOutput { claimed: started.await? })
    }
}

/// Starts these runs; the claimant takes up to `slots` of their first jobs.
pub(crate) async fn start_pending(
    kernel: &Kernel,
    pending: Vec<RunRecord>,
    claimant: &Claimant,
    mut slots: usize,
) -> Result<Vec<ClaimedRun>, Error> {
    let starts = pending.into_iter().map(|run| {
        let registered = kernel.registry().by_fingerprint(&run.definition_fingerprint);
        let wanted = registered.map_or(0, |registered| first_stages(registered.definition()).count());
        let granted = wanted.min(slots);
        slots -= granted;
        start(kernel, run, claimant, granted)
    });
    // Concurrently, so that the commits share a transaction.
    let claimed = join_all(starts).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(claimed.into_iter().flatten().collect())
}

async fn start(
    kernel: &Kernel,
    run: RunRecord,
    claimant: &Claimant,
    slots: usize,
) -> Result<Option<ClaimedRun>, Error> {
    let definition = match definition_of(kernel, &run).await {
        Ok(registered) => registered.definition(),
        Err(error) if error.is_retryable() => return Err(error),
        // The run is left for a process that has its definition.
        Err(_) => return Ok(None),
    };
    if definition.stages.is_empty() {
        let message = format!("workflow `{}` has no stages", definition.id);
        return fail(kernel, &run, ErrorCode::EmptyStageGraph, message).await;
    }
    let changes = start_changes(definition, Some(claimant), slots);
    match kernel.commit(decision(&run, changes)).await {
        Ok(Commit::Applied(applied)) => {
            Ok(Some(ClaimedRun { run_id: run.id, workflow_id: run.workflow_id, jobs: applied.claimed }))
        }
        // Another claimant was faster.
        Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => Ok(None),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => fail(kernel, &run, ErrorCode::ClaimFailed, error.to_string()).await,
    }
}

async fn fail(
    kernel: &Kernel,
    run: &RunRecord,
    code: ErrorCode,
    message: String,
) -> Result<Option<ClaimedRun>, Error> {
    tracing::error!(run = %run.id, %code, message, "a run could not be started");
    let error = RunError { code: code.as_str().to_owned(), message };
    let mut changes = vec![Change::EndRun(RunEnd::Failed(error))];
    changes.extend(wake_parent(run.parent.as_ref()));
    kernel.store().commit(decision(run, changes)).await?;
    Ok(None)
}

fn decision(run: &RunRecord, changes: Vec<Change>) -> Decision {
    let revision = Revision { version: run.version, last_sequence: run.last_sequence };
    Decision {
        run_id: run.id,
        command: ClaimPendingRuns::NAME,
        precondition: Precondition::Revision(revision),
        idempotency: None,
        changes,
    }
}
