//! `run.cancel`: ends a run from outside.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::fail::cancel_open_stages;
use crate::error::Error;
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::value::RunId;
use crate::value::limits::truncate;

/// Cancels a run: the run, its open stages and its jobs in one commit. Bodies that run are told at once, through
/// their cancellation token, and cannot commit any more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelRun {
    /// The run.
    pub run_id: RunId,
    /// Kept with the run; cut after 8 KiB.
    pub reason: Option<String>,
}

/// Whether there was something to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CancelRunOutput {
    /// `false` when the run was over already; then nothing has changed.
    pub cancelled: bool,
}

#[async_trait]
impl Command for CancelRun {
    type Output = CancelRunOutput;
    const NAME: &'static str = "run.cancel";

    async fn execute(self, kernel: &Kernel) -> Result<CancelRunOutput, Error> {
        let reason = self.reason.as_deref().map(truncate::error_text);
        let applied = kernel
            .commit_from_snapshot(self.run_id, move |snapshot| decide(snapshot, reason.as_deref()))
            .await?;
        Ok(CancelRunOutput { cancelled: applied.is_some() })
    }
}

fn decide(snapshot: &Snapshot, reason: Option<&str>) -> Option<Decision> {
    if snapshot.run.status.is_terminal() {
        return None;
    }
    let mut changes = cancel_open_stages(snapshot, None);
    changes.push(Change::EndRun(RunEnd::Cancelled(reason.map(str::to_owned))));
    Some(Decision {
        run_id: snapshot.run.id,
        precondition: Precondition::Revision(snapshot.revision()),
        idempotency: None,
        changes,
    })
}
