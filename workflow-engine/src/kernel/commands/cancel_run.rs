//! `run.cancel`: cancels a run.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::failure::cancel_open_stages;
use crate::ports::{Change, Decision, RunEnd, Snapshot};
use crate::value::RunId;
use crate::value::limits::truncate;

/// Cancels a run, its open stages and its jobs in one commit. Running bodies are notified at once through their
/// cancellation token, and cannot commit any more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelRun {
    /// The run.
    pub run_id: RunId,
    /// The reason, stored with the run; truncated after 8 KiB.
    pub reason: Option<String>,
}

/// Whether the run was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CancelRunOutput {
    /// `false` when the run was already terminal; then nothing has changed.
    pub cancelled: bool,
}

#[async_trait]
impl Command for CancelRun {
    type Output = CancelRunOutput;
    const NAME: &'static str = "run.cancel";

    async fn execute(self, kernel: &Kernel) -> Result<CancelRunOutput, Error> {
        let reason = self.reason.as_deref().map(truncate::error_text);
        let decide = move |snapshot: &Snapshot| decide(snapshot, reason.as_deref());
        let applied = commit_from_snapshot(kernel, self.run_id, decide).await?;
        Ok(CancelRunOutput { cancelled: applied.is_some() })
    }
}

fn decide(snapshot: &Snapshot, reason: Option<&str>) -> Option<Decision> {
    if snapshot.run.status.is_terminal() {
        return None;
    }
    let mut changes = cancel_open_stages(snapshot, None);
    changes.push(Change::EndRun(RunEnd::Cancelled(reason.map(str::to_owned))));
    Some(decision_at(snapshot, CancelRun::NAME, changes))
}
