//! `run.claimPending`: starts runs that nobody has started.

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::start::start_changes;
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Commit, Decision, Precondition, Revision, RunEnd};
use crate::records::{Claimant, ClaimedJob, RunError, RunRecord};
use crate::value::RunId;

/// Starts `PENDING` runs, by priority; among equals the workflows take turns, and of each the oldest is first. A run whose
/// workflow or definition this process does not have is left for one that has it. One bad run never holds up another: it
/// fails, with `EMPTY_STAGE_GRAPH` or `CLAIM_FAILED`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimPendingRuns {
    /// Who claims.
    pub worker_id: String,
    /// At most this many runs. 10 is usual.
    #[serde(default = "ten", alias = "max_claims", alias = "maxClaims")]
    pub limit: usize,
    /// How many of the jobs that become ready the worker takes at once, over all of these runs. 0 is usual in JSON.
    #[serde(default)]
    pub slots: usize,
}

fn ten() -> usize {
    10
}

/// The runs that were started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClaimPendingRunsOutput {
    /// In the order in which they were claimed.
    pub claimed: Vec<ClaimedRun>,
}

/// A run that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimedRun {
    /// The run.
    pub run_id: RunId,
    /// The workflow.
    pub workflow_id: String,
    /// Those of its first jobs that the worker holds.
    pub jobs: Vec<ClaimedJob>,
}

#[async_trait]
impl Command for ClaimPendingRuns {
    type Output = ClaimPendingRunsOutput;
    const NAME: &'static str = "run.claimPending";

    async fn execute(self, kernel: &Kernel) -> Result<ClaimPendingRunsOutput, Error> {
        let pending = kernel.store().pending_runs(&kernel.definitions(), self.limit).await?;
        let claim = Claimant { worker_id: self.worker_id, lease: kernel.lease() };
        Ok(ClaimPendingRunsOutput { claimed: start_pending(kernel, pending, &claim, self.slots).await? })
    }
}

/// Starts these runs; the worker takes up to `slots` of their first jobs.
pub(crate) async fn start_pending(
    kernel: &Kernel,
    pending: Vec<RunRecord>,
    claim: &Claimant,
    mut slots: usize,
) -> Result<Vec<ClaimedRun>, Error> {
    let starts = pending.into_iter().map(|run| {
        let heads = heads(kernel, &run);
        let granted = heads.min(slots);
        slots -= granted;
        start(kernel, run, claim, granted)
    });
    // Together, so that they share a transaction.
    let claimed = join_all(starts).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(claimed.into_iter().flatten().collect())
}

fn heads(kernel: &Kernel, run: &RunRecord) -> usize {
    kernel.registry().by_fingerprint(&run.definition_fingerprint).map_or(0, |registered| {
        registered.definition().stages.iter().filter(|stage| stage.predecessors.is_empty()).count()
    })
}

async fn start(
    kernel: &Kernel,
    run: RunRecord,
    claim: &Claimant,
    slots: usize,
) -> Result<Option<ClaimedRun>, Error> {
    let definition = match kernel.definition_of(&run).await {
        Ok(registered) => registered.definition(),
        Err(error) if error.is_retryable() => return Err(error),
        // It is left for a process that has its definition.
        Err(_) => return Ok(None),
    };
    if definition.stages.is_empty() {
        let message = format!("workflow `{}` has no stages", definition.id);
        return refuse(kernel, &run, ErrorCode::EmptyStageGraph, message).await;
    }
    let changes = start_changes(definition, Some(claim), slots);
    match kernel.store().commit(decision(&run, changes)).await {
        Ok(Commit::Applied(applied)) => {
            Ok(Some(ClaimedRun { run_id: run.id, workflow_id: run.workflow_id, jobs: applied.claimed }))
        }
        // Somebody else was first.
        Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => Ok(None),
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => refuse(kernel, &run, ErrorCode::ClaimFailed, error.to_string()).await,
    }
}

async fn refuse(
    kernel: &Kernel,
    run: &RunRecord,
    code: ErrorCode,
    message: String,
) -> Result<Option<ClaimedRun>, Error> {
    tracing::error!(run = %run.id, %code, message, "a run could not be started");
    let error = RunError { code: code.as_str().to_owned(), message };
    kernel.store().commit(decision(run, vec![Change::EndRun(RunEnd::Failed(error))])).await?;
    Ok(None)
}

fn decision(run: &RunRecord, changes: Vec<Change>) -> Decision {
    let revision = Revision { version: run.version, last_sequence: run.last_sequence };
    Decision { run_id: run.id, precondition: Precondition::Revision(revision), idempotency: None, changes }
}
