//! `run.failUnclaimed`: fails runs that no worker claims because their definition is missing.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::blocked_reason::is_claimed;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::failure::cancel_open_stages;
use crate::ports::{Change, Decision, RunEnd, Snapshot};
use crate::records::RunError;

/// Fails runs that have had due work for longer than `limit` without being claimed, and that this process cannot claim:
/// with `WORKFLOW_NOT_FOUND` where it lacks their workflow, with `DEFINITION_MISMATCH` where it has another definition
/// of it. Only this command ends a run that waits for a worker.
///
/// A rerun by a process that has the definition continues such a run.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailUnclaimedRuns {
    /// How long they may wait.
    #[serde(rename = "limit_ms", with = "crate::value::milliseconds")]
    pub limit: Duration,
}

/// The failed runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FailUnclaimedRunsOutput {
    /// The number of runs that failed.
    pub failed: usize,
}

/// The number of runs in one pass. The next pass finds the rest.
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
            failed += usize::from(commit_from_snapshot(kernel, run_id, decide).await?.is_some());
        }
        Ok(FailUnclaimedRunsOutput { failed })
    }
}

fn decide(snapshot: &Snapshot, error: &RunError) -> Option<Decision> {
    if snapshot.run.status.is_terminal() || is_claimed(snapshot) {
        return None;
    }
    let mut changes = cancel_open_stages(snapshot, None);
    changes.push(Change::EndRun(RunEnd::Failed(error.clone())));
    Some(decision_at(snapshot, FailUnclaimedRuns::NAME, changes))
}
