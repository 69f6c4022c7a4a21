//! `run.cancel`: ends a run from outside.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::fail::cancel_open_stages;
use super::limits::told;
use crate::error::Error;
use crate::id::RunId;
use crate::ports::{Change, Decision, Guard, RunEnd, Snapshot};

/// Cancels a run: the run, its open stages and its jobs in one commit. Bodies that run are told at once, through
/// their cancellation token, and cannot commit any more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunCancel {
    /// The run.
    pub run_id: RunId,
    /// Kept with the run; cut after 8 KiB.
    pub reason: Option<String>,
}

/// Whether there was something to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RunCancelled {
    /// `false` when the run was over already; then nothing has changed.
    pub cancelled: bool,
}

#[async_trait]
impl Command for RunCancel {
    type Answer = RunCancelled;
    const NAME: &'static str = "run.cancel";

    async fn carry_out(self, kernel: &Kernel) -> Result<RunCancelled, Error> {
        let reason = self.reason.as_deref().map(told::error_text);
        let applied =
            kernel.restructure(self.run_id, move |snapshot| decide(snapshot, reason.as_deref())).await?;
        Ok(RunCancelled { cancelled: applied.is_some() })
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
        guard: Guard::Revision(snapshot.revision()),
        idempotency: None,
        changes,
    })
}
