//! `run.cancel`: cancels a run.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::failure::cancel_open_stages;
use crate::ports::{Change, Decision, RunEnd, Snapshot};
use crate::records::{Actor, Annotation, action};
use crate::value::RunId;
use crate::value::limits::truncate;

/// Cancels a run, its open stages and its jobs in one commit. Running bodies are notified at once through their
/// cancellation token, and cannot commit any more.
///
/// # Errors
/// `RUN_NOT_FOUND`; an error of the store.
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
        self.cancel(kernel, None).await
    }

    async fn execute_by(self, kernel: &Kernel, by: &Actor) -> Result<CancelRunOutput, Error> {
        self.cancel(kernel, Some(by)).await
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

impl CancelRun {
    async fn cancel(self, kernel: &Kernel, by: Option<&Actor>) -> Result<CancelRunOutput, Error> {
        let reason = self.reason.as_deref().map(truncate::error_text);
        let details = json!({ "reason": reason });
        let action = by.map(|by| action("cancel", &details, by));
        let decide = move |snapshot: &Snapshot| decide(snapshot, reason.as_deref(), action.as_ref());
        let applied = commit_from_snapshot(kernel, self.run_id, decide).await?;
        Ok(CancelRunOutput { cancelled: applied.is_some() })
    }
}

fn decide(snapshot: &Snapshot, reason: Option<&str>, action: Option<&Annotation>) -> Option<Decision> {
    if snapshot.run.status.is_terminal() {
        return None;
    }
    let mut changes = cancel_open_stages(snapshot, None);
    changes.extend(action.cloned().map(|annotation| Change::Annotate { stage_key: None, annotation }));
    changes.push(Change::EndRun(RunEnd::Cancelled(reason.map(str::to_owned))));
    Some(decision_at(snapshot, CancelRun::NAME, changes))
}
