//! `run.transition`: brings a run forward by what its stages say.
//!
//! A completing commit makes its successors ready itself, so on a running worker this finds nothing to do. It is how
//! a host without a worker starts a run, and a repair.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::compatible::open_stages;
use super::start::start_changes;
use crate::definition::{StageDefinition, WorkflowDefinition};
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::records::{JobRecord, RunError, Status};
use crate::value::RunId;

/// Starts a run that is `PENDING`; of one that is `RUNNING`, notices completions that were not noticed, and enqueues
/// every stage that is ready and has no job.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitionRun {
    /// The run.
    pub run_id: RunId,
}

/// What a transition found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TransitionRunOutput {
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
impl Command for TransitionRun {
    type Output = TransitionRunOutput;
    const NAME: &'static str = "run.transition";

    async fn execute(self, kernel: &Kernel) -> Result<TransitionRunOutput, Error> {
        let run = kernel.store().run(self.run_id).await?.ok_or_else(|| Error::run_not_found(self.run_id))?;
        let action = match run.status {
            Status::Completed => TransitionAction::Completed,
            Status::Failed => TransitionAction::Failed,
            Status::Pending | Status::Running => {
                let definition = kernel.definition_of(&run).await?.definition();
                let applied = kernel
                    .commit_from_snapshot(self.run_id, move |snapshot| decide(snapshot, definition))
                    .await?;
                match applied {
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
    if changes.is_empty() {
        return None;
    }
    Some(Decision {
        run_id: snapshot.run.id,
        precondition: Precondition::Revision(snapshot.revision()),
        idempotency: None,
        changes,
    })
}

/// What a run lacks that its stages say should be there; nothing, for a run that commits alone have moved.
pub(super) fn repairs(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Vec<Change> {
    if let Some(failed) = snapshot.stages.iter().find(|stage| stage.status == Status::Failed) {
        let message = failed.error_message.clone().unwrap_or_else(|| "stage failed".into());
        let error = RunError {
            code: ErrorCode::StageFailed.as_str().to_owned(),
            message: format!("stage `{}` failed: {message}", failed.stage_id),
        };
        let mut changes = super::fail::cancel_open_stages(snapshot, None);
        changes.push(Change::EndRun(RunEnd::Failed(error)));
        return changes;
    }
    let known = definition.stages.iter();
    let mut changes: Vec<Change> = known.flat_map(|stage| repairs_of(snapshot, definition, stage)).collect();
    let open = open_stages(snapshot, definition, &definition.output_stages);
    let output = match definition.output_stages.as_slice() {
        [end] => {
            let end = &definition.stages[*end].id;
            let stored = snapshot.stages.iter().find(|stage| stage.stage_id == *end);
            stored.and_then(|stage| stage.output.clone())
        }
        _ => None,
    };
    let unnoticed = snapshot.run.waiting_on.saturating_sub(open);
    if unnoticed > 0 || !changes.is_empty() {
        changes.push(recount(snapshot, definition));
    }
    changes.extend((0..unnoticed).map(|_| Change::ReleaseRun { output: output.clone() }));
    changes
}

/// What the run's counters are once every stage has what it should have.
fn recount(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Change {
    let is_active = |stage: &StageDefinition| {
        snapshot.stages.iter().filter(|stored| stored.stage_id == stage.id).any(|stored| {
            match stored.status {
                Status::Running => true,
                Status::Pending => open_stages(snapshot, definition, &stage.predecessors) == 0,
                _ => false,
            }
        })
    };
    let count = |stages: usize| u32::try_from(stages).unwrap_or(u32::MAX);
    let suspended = snapshot.stages.iter().filter(|stage| stage.status == Status::Suspended).count();
    let active = definition.stages.iter().filter(|stage| is_active(stage)).count();
    Change::Recount { active: count(active), suspended: count(suspended) }
}

/// Completions before the stage that it has not noticed, and the job that it should have.
fn repairs_of(snapshot: &Snapshot, definition: &WorkflowDefinition, stage: &StageDefinition) -> Vec<Change> {
    let max_attempts = stage.retry.max_attempts;
    let stage_id = || stage.id.clone();
    let mut stored = snapshot.stages.iter().filter(|stored| !stored.status.is_terminal());
    let Some(stored) = stored.find(|stored| stored.stage_id == stage.id) else { return Vec::new() };
    let open = open_stages(snapshot, definition, &stage.predecessors);
    let unnoticed = stored.waiting_on.saturating_sub(open);
    let is_of_now = |job: &&JobRecord| job.generation == snapshot.run.generation;
    let has_job = snapshot.jobs.iter().filter(is_of_now).any(|job| job.stage_id == stage.id);
    if unnoticed > 0 {
        let release = || Change::Release { stage_id: stage_id(), max_attempts, claim: None };
        return (0..unnoticed).map(|_| release()).collect();
    }
    if stored.waiting_on > 0 || has_job {
        return Vec::new();
    }
    vec![Change::Enqueue { stage_id: stage_id(), max_attempts, claim: None }]
}
