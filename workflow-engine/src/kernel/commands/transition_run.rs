//! `run.transition`: starts a run, or repairs it from the state of its stages.
//!
//! A completing commit makes its successors ready itself, so on a running worker this command finds nothing to do. A
//! host without a worker starts runs with it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::compatibility::definition_of;
use crate::kernel::repairs::repairs;
use crate::kernel::start_plan::start_changes;
use crate::ports::{Decision, Snapshot};
use crate::records::Status;
use crate::value::RunId;

/// Starts a `PENDING` run. In a `RUNNING` run, releases successors of completed stages that were not released, and
/// enqueues every stage that is ready and has no job.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitionRun {
    /// The run.
    pub run_id: RunId,
}

/// The result of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TransitionRunOutput {
    /// The action.
    pub action: TransitionAction,
}

/// The action of a transition, or the terminal status of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitionAction {
    /// Stages were enqueued.
    Advanced,
    /// The run is `COMPLETED`.
    Completed,
    /// The run is `FAILED`.
    Failed,
    /// There was nothing to do.
    Noop,
}

#[async_trait]
impl Command for TransitionRun {
    type Output = TransitionRunOutput;
    const NAME: &'static str = "run.transition";

    async fn execute(self, kernel: &Kernel) -> Result<TransitionRunOutput, Error> {
        let run = kernel.store().run(self.run_id).await?.ok_or_else(|| Error::run_not_found(self.run_id))?;
        let action = match run.status {
            Status::Completed => TransitionAction::Completed,
            Status::Failed => TransitionAction::Failed,
            Status::Pending | Status::Running => {
                let definition = definition_of(kernel, &run).await?.definition();
                let decide = move |snapshot: &Snapshot| decide(snapshot, definition);
                match commit_from_snapshot(kernel, self.run_id, decide).await? {
                    None => TransitionAction::Noop,
                    Some(applied) if applied.ended == Some(Status::Failed) => TransitionAction::Failed,
                    Some(applied) if applied.ended == Some(Status::Completed) => TransitionAction::Completed,
                    Some(_) => TransitionAction::Advanced,
                }
            }
            _ => TransitionAction::Noop,
        };
        Ok(TransitionRunOutput { action })
    }
}

fn decide(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Option<Decision> {
    let changes = match snapshot.run.status {
        Status::Pending => start_changes(definition, None, 0),
        Status::Running => repairs(snapshot, definition),
        _ => return None,
    };
    (!changes.is_empty()).then(|| decision_at(snapshot, TransitionRun::NAME, changes))
}
