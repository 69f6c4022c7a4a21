//! `run.failOverdue`: fails runs whose deadline has passed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::{Error, ErrorCode, shown};
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::failure::cancel_open_stages;
use crate::ports::{Change, Decision, RunEnd, Snapshot};
use crate::records::{RunError, Status};

/// Fails runs whose deadline has passed, with `DEADLINE_EXCEEDED`, whether they wait, run, retry or have not started.
/// Their open stages are cancelled in the same commit, and running bodies are notified through their cancellation token.
/// No `catch` takes it. A child whose parent waits for it no longer is cancelled. A worker executes this command at each
/// deadline by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailOverdueRuns {
    /// The most runs to fail. Default 100.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

/// The failed runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FailOverdueRunsOutput {
    /// The number of runs that failed.
    pub failed: usize,
    /// The number of runs that were cancelled, because the stage that waited for them waits no longer.
    pub cancelled: usize,
}

impl Default for FailOverdueRuns {
    fn default() -> Self {
        Self { limit: default_limit() }
    }
}

const fn default_limit() -> usize {
    100
}

#[async_trait]
impl Command for FailOverdueRuns {
    type Output = FailOverdueRunsOutput;
    const NAME: &'static str = "run.failOverdue";

    async fn execute(self, kernel: &Kernel) -> Result<FailOverdueRunsOutput, Error> {
        let mut output = FailOverdueRunsOutput::default();
        for run_id in kernel.store().overdue_runs(self.limit).await? {
            let Some(run) = kernel.store().run(run_id).await? else { continue };
            let Some(deadline) = run.times.deadline_at else { continue };
            let decide = move |snapshot: &Snapshot| decide(snapshot, deadline);
            match commit_from_snapshot(kernel, run_id, decide).await?.and_then(|applied| applied.ended) {
                Some(Status::Cancelled) => output.cancelled += 1,
                Some(_) => output.failed += 1,
                None => {}
            }
        }
        Ok(output)
    }
}

/// A rerun in between has another deadline, which has not passed.
fn decide(snapshot: &Snapshot, deadline: DateTime<Utc>) -> Option<Decision> {
    let run = &snapshot.run;
    if run.status.is_terminal() || run.times.deadline_at != Some(deadline) {
        return None;
    }
    if let Some(reason) = &run.cancel_reason {
        let mut changes = cancel_open_stages(snapshot, None);
        changes.push(Change::EndRun(RunEnd::Cancelled(Some(reason.clone()))));
        return Some(decision_at(snapshot, FailOverdueRuns::NAME, changes));
    }
    let length = run.times.deadline.unwrap_or_default();
    let message = format!("the run had not ended {length:?} after its start was due, at {}", shown(deadline));
    let error = RunError { code: ErrorCode::DeadlineExceeded.as_str().to_owned(), message };
    let mut changes = cancel_open_stages(snapshot, None);
    changes.push(Change::EndRun(RunEnd::Failed(error)));
    Some(decision_at(snapshot, FailOverdueRuns::NAME, changes))
}
