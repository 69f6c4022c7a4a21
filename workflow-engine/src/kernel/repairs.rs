//! The changes that a run lacks, according to the state of its stages.

use super::caught_stages::is_caught;
use super::compatibility::open_completions;
use super::failure::cancel_open_stages;
use super::run_output::run_output;
use super::start_plan::delay_of;
use crate::definition::{RetryPolicy, StageDefinition, WorkflowDefinition};
use crate::error::ErrorCode;
use crate::ports::{Change, RunEnd, Snapshot};
use crate::records::{JobRecord, RunError, Status};

/// Returns the changes that bring a `RUNNING` run to the state that its stages imply. A run that only commits of the
/// engine have moved needs none: a completing commit decrements the counters of its successors, and the one that brings
/// a counter to zero makes the stage ready or ends the run.
pub(super) fn repairs(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Vec<Change> {
    let mut failed = snapshot.stages.iter().filter(|stage| stage.status == Status::Failed);
    if let Some(failed) = failed.find(|stage| !is_caught(snapshot, definition, &stage.stage_id)) {
        let message = failed.error_message.clone().unwrap_or_else(|| "stage failed".into());
        let error = RunError {
            code: ErrorCode::StageFailed.as_str().to_owned(),
            message: format!("stage `{}` failed: {message}", failed.stage_id),
        };
        let mut changes = cancel_open_stages(snapshot, None);
        changes.push(Change::EndRun(RunEnd::Failed(error)));
        return changes;
    }
    let stages = definition.stages.iter();
    let mut changes: Vec<Change> =
        stages.flat_map(|stage| repairs_of_stage(snapshot, definition, stage)).collect();
    let open = open_completions(snapshot, definition, &definition.output);
    let output = run_output(snapshot, definition);
    let unnoticed = snapshot.run.waiting_on.saturating_sub(open);
    if unnoticed > 0 || !changes.is_empty() {
        changes.push(recount(snapshot, definition));
    }
    changes.extend(
        (0..unnoticed)
            .map(|_| Change::ReleaseRun { output: output.clone(), stages: definition.output_stage_keys() }),
    );
    changes
}

/// Returns the run's counters as they are once every stage has been repaired.
fn recount(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Change {
    let is_active = |stage: &StageDefinition| {
        snapshot.stages.iter().filter(|stored| stored.stage_id == stage.id).any(|stored| {
            match stored.status {
                Status::Running => true,
                Status::Pending => open_completions(snapshot, definition, &stage.source) == 0,
                _ => false,
            }
        })
    };
    let count = |stages: usize| u32::try_from(stages).unwrap_or(u32::MAX);
    let suspended = snapshot.stages.iter().filter(|stage| stage.status == Status::Suspended).count();
    let active = definition.stages.iter().filter(|stage| is_active(stage)).count();
    Change::Recount { active: count(active), suspended: count(suspended) }
}

/// Returns the releases that the stage has missed, or the job that it lacks.
fn repairs_of_stage(
    snapshot: &Snapshot,
    definition: &WorkflowDefinition,
    stage: &StageDefinition,
) -> Vec<Change> {
    let RetryPolicy { max_attempts, max_crashes, .. } = stage.retry;
    let stage_key = || stage.key();
    let mut stored = snapshot.stages.iter().filter(|stored| !stored.status.is_terminal());
    let Some(stored) = stored.find(|stored| stored.stage_id == stage.id) else { return Vec::new() };
    let open = open_completions(snapshot, definition, &stage.source);
    let unnoticed = stored.waiting_on.saturating_sub(open);
    let is_current = |job: &&JobRecord| job.generation == snapshot.run.generation;
    let has_job = snapshot.jobs.iter().filter(is_current).any(|job| job.stage_id == stage.id);
    if unnoticed > 0 {
        let release = || Change::Release { stage_key: stage_key(), max_attempts, max_crashes, claim: None };
        return (0..unnoticed).map(|_| release()).chain(delay_of(stage)).collect();
    }
    if stored.waiting_on > 0 || has_job {
        return Vec::new();
    }
    let enqueue = Change::Enqueue { stage_key: stage_key(), max_attempts, max_crashes, claim: None };
    // When the lost job was due is not known: rather later than too early.
    let delay = delay_of(stage).filter(|_| stored.started_at.is_none());
    std::iter::once(enqueue).chain(delay).collect()
}
