//! `run.transition`: brings a run forward by what its stages say.
//!
//! A completing commit makes its successors ready itself, so on a running worker this finds nothing to do. It is how
//! a host without a worker starts a run, and a repair.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::start::start_changes;
use crate::error::Error;
use crate::id::RunId;
use crate::language::WorkflowDefinition;
use crate::ports::{Change, Decision, Guard, RunEnd, Snapshot};
use crate::records::{RunError, Status};

/// Starts a run that is `PENDING`, and enqueues every stage that is ready and has no job.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTransition {
    /// The run.
    pub run_id: RunId,
}

/// What a transition found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RunTransitioned {
    /// See there.
    pub action: TransitionAction,
}

/// What a transition did, or found done.
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
impl Command for RunTransition {
    type Answer = RunTransitioned;
    const NAME: &'static str = "run.transition";

    async fn carry_out(self, kernel: &Kernel) -> Result<RunTransitioned, Error> {
        let run = kernel.store().run(self.run_id).await?.ok_or_else(|| Error::run_not_found(self.run_id))?;
        let action = match run.status {
            Status::Completed => TransitionAction::Completed,
            Status::Failed => TransitionAction::Failed,
            Status::Pending | Status::Running => {
                let Some(registered) = kernel.registry().by_fingerprint(&run.definition_fingerprint) else {
                    return Err(Error::definition_mismatch(self.run_id, &run.workflow_id));
                };
                let definition = registered.definition();
                let applied =
                    kernel.restructure(self.run_id, move |snapshot| decide(snapshot, definition)).await?;
                match applied {
                    None => TransitionAction::Noop,
                    Some(applied) if applied.ended == Some(Status::Failed) => TransitionAction::Failed,
                    Some(_) => TransitionAction::Advanced,
                }
            }
            _ => TransitionAction::Noop,
        };
        Ok(RunTransitioned { action })
    }
}

fn decide(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Option<Decision> {
    let changes = match snapshot.run.status {
        Status::Pending => start_changes(definition, None, 0),
        Status::Running => repairs(snapshot, definition),
        _ => return None,
    };
    if changes.is_empty() {
        return None;
    }
    Some(Decision {
        run_id: snapshot.run.id,
        guard: Guard::Revision(snapshot.revision()),
        idempotency: None,
        changes,
    })
}

fn repairs(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Vec<Change> {
    if let Some(failed) = snapshot.stages.iter().find(|stage| stage.status == Status::Failed) {
        let message = failed.error_message.clone().unwrap_or_else(|| "stage failed".into());
        let error = RunError {
            code: "STAGE_FAILED".into(),
            message: format!("stage `{}` failed: {message}", failed.stage_id),
        };
        let mut changes = super::fail::cancel_open_stages(snapshot, None);
        changes.push(Change::EndRun(RunEnd::Failed(error)));
        return changes;
    }
    let has_job = |stage_id: &str| snapshot.jobs.iter().any(|job| job.stage_id == stage_id);
    snapshot
        .stages
        .iter()
        .filter(|stage| stage.status == Status::Pending && stage.waiting_on == 0 && !has_job(&stage.stage_id))
        .filter_map(|stage| definition.stages.iter().find(|known| known.id == stage.stage_id))
        .map(|stage| Change::Enqueue {
            stage_id: stage.id.clone(),
            max_attempts: stage.retry.max_attempts,
            claim: None,
        })
        .collect()
}
