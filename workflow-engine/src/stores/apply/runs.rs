//! The run as a whole: created, started, completed, ended, recounted.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::draft::Draft;
use super::mismatch::Mismatch;
use crate::ports::{NewRun, NewStage, RunEnd};
use crate::records::{
    CostSummary, EventKind, RunRecord, RunStart, RunTimes, StageRecord, Status, StoredValue,
};
use crate::stores::footprint::MAX_OUTPUTS_IN_EVENT;
use crate::stores::instant;
use crate::value::{Json, RunId, StageKey};

/// The most bytes of the outputs of a group in an event.
const MAX_GROUP_BYTES: usize = 64 << 10;

/// Writes `Change::CreateRun`.
pub(super) fn create(draft: &mut Draft<'_>, new: &NewRun) -> Result<(), Mismatch> {
    let run = RunRecord {
        id: draft.run_id(),
        workflow_id: new.workflow_id.clone(),
        definition_fingerprint: new.definition_fingerprint.clone(),
        status: Status::Pending,
        priority: new.priority,
        version: 1,
        generation: 1,
        last_sequence: 0,
        waiting_on: 0,
        active: 0,
        suspended: 0,
        output: None,
        error: None,
        cancel_reason: None,
        spending: CostSummary::default(),
        times: RunTimes::default(),
        parent: new.parent.clone(),
        created_at: draft.now(),
        started_at: None,
        completed_at: None,
    };
    draft.create_run(run, new.clone())?;
    draft.event(EventKind::WorkflowCreated { workflow_id: new.workflow_id.clone() })
}

/// Writes `Change::SetTimes`.
pub(super) fn set_times(
    draft: &mut Draft<'_>,
    start: Option<RunStart>,
    deadline: Option<Duration>,
) -> Result<(), Mismatch> {
    /// Longer times count as this one: ten thousand years, which databases can compute with.
    const LONGEST: Duration = Duration::from_secs(10_000 * 365 * 86_400);

    let now = draft.now();
    let deadline = deadline.map(|deadline| deadline.min(LONGEST));
    let (due_at, due_after) = match start {
        Some(RunStart::At(instant)) => (Some(instant.min(instant::NEVER)), None),
        Some(RunStart::After(after)) => {
            let after = after.min(LONGEST);
            (Some(instant::after(now, after)), Some(after))
        }
        None => (None, None),
    };
    let due_at = due_at.filter(|due| *due > now);
    let deadline_at = deadline.map(|deadline| instant::after(due_at.unwrap_or(now), deadline));
    draft.run_mut()?.times =
        RunTimes { due_at, due_after: due_after.filter(|_| due_at.is_some()), deadline_at, deadline };
    draft.notify_timer();
    Ok(())
}

/// Writes `Change::StartRun`.
pub(super) fn start(draft: &mut Draft<'_>, stages: &[NewStage], waiting_on: u32) -> Result<(), Mismatch> {
    let now = draft.now();
    let run = draft.run_mut()?;
    if run.status != Status::Pending {
        return Err(Mismatch::RunIsStarted);
    }
    run.status = Status::Running;
    run.version += 1;
    run.waiting_on = waiting_on;
    run.started_at = Some(now);
    let (run_id, generation) = (run.id, run.generation);
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    draft.outline(stages);
    for stage in stages {
        draft.insert_stage(new_stage(run_id, generation, stage));
    }
    draft.event(EventKind::WorkflowStarted {})
}

fn new_stage(run_id: RunId, generation: u32, stage: &NewStage) -> StageRecord {
    StageRecord {
        run_id,
        stage_id: stage.stage_key.id.clone(),
        place: stage.stage_key.place.clone(),
        stage_name: stage.stage_name.clone(),
        stage_number: stage.stage_number,
        execution_group: stage.execution_group,
        generation,
        status: Status::Pending,
        attempt: 0,
        waiting_on: stage.waiting_on,
        arm: None,
        failure: None,
        suspended_state: None,
        max_wait_until: None,
        output: None,
        error_message: None,
        metrics: BTreeMap::new(),
        spending: CostSummary::default(),
        awaited_cost: None,
        started_at: None,
        completed_at: None,
    }
}

/// Writes `Change::ReleaseRun`.
pub(super) fn release(
    draft: &mut Draft<'_>,
    output: Option<&StoredValue>,
    stages: &[StageKey],
) -> Result<(), Mismatch> {
    let now = draft.now();
    let run = draft.run_mut()?;
    if run.status.is_terminal() {
        return Err(Mismatch::RunIsTerminal);
    }
    run.waiting_on = run.waiting_on.checked_sub(1).ok_or(Mismatch::RunIsReleased)?;
    if run.waiting_on > 0 {
        return Ok(());
    }
    run.status = Status::Completed;
    run.version += 1;
    run.output = output.cloned();
    run.error = None;
    // A child that was to be cancelled may have been faster.
    run.cancel_reason = None;
    conclude(run, now);
    let duration_ms = instant::milliseconds_between(run.started_at.unwrap_or(now), now);
    let run_time = run.started_at.and_then(|start| (now - start).to_std().ok());
    let CostSummary { cost, tokens, .. } = run.spending;
    let output = match output {
        Some(output) => inline(output),
        None => group_output(draft, stages),
    };
    let output_stages =
        if output.is_some() { Vec::new() } else { stages.iter().map(StageKey::to_string).collect() };
    draft.applied().ended = Some(Status::Completed);
    draft.applied().run_time = run_time;
    draft.event(EventKind::WorkflowCompleted { duration_ms, cost, tokens, output, output_stages })
}

/// Returns the outputs of the stages as an array; `None` if they are too large or too many for an event.
fn group_output(draft: &Draft<'_>, stages: &[StageKey]) -> Option<Json> {
    if stages.is_empty() || stages.len() > MAX_OUTPUTS_IN_EVENT {
        return None;
    }
    let mut outputs = Vec::with_capacity(stages.len());
    for stage_key in stages {
        match &draft.stage(stage_key).ok()?.output {
            Some(StoredValue::Inline(json)) => outputs.push(json.as_str()),
            Some(StoredValue::Blob(_)) | None => return None,
        }
    }
    let size: usize = outputs.iter().map(|output| output.len()).sum();
    (size <= MAX_GROUP_BYTES).then(|| Json::trusted(format!("[{}]", outputs.join(","))))
}

/// Returns the value where it is inline: an event carries no blob.
fn inline(value: &StoredValue) -> Option<Json> {
    match value {
        StoredValue::Inline(json) => Some(json.clone()),
        StoredValue::Blob(_) => None,
    }
}

/// Writes `Change::EndRun`.
pub(super) fn end(draft: &mut Draft<'_>, end: &RunEnd) -> Result<(), Mismatch> {
    let now = draft.now();
    let run = draft.run_mut()?;
    if run.status.is_terminal() {
        return Err(Mismatch::RunIsTerminal);
    }
    run.version += 1;
    run.active = 0;
    run.suspended = 0;
    conclude(run, now);
    let event = match end {
        RunEnd::Failed(error) => {
            run.status = Status::Failed;
            run.cancel_reason = None;
            run.error = Some(error.clone());
            EventKind::WorkflowFailed { code: error.code.clone(), error: error.message.clone() }
        }
        RunEnd::Cancelled(reason) => {
            run.status = Status::Cancelled;
            run.cancel_reason.clone_from(reason);
            EventKind::WorkflowCancelled { reason: reason.clone() }
        }
    };
    let status = run.status;
    let run_time = run.started_at.and_then(|start| (now - start).to_std().ok());
    draft.applied().ended = Some(status);
    draft.applied().run_time = run_time;
    draft.event(event)
}

/// Keeps the end of a run. A deadline that only asked for the end says nothing any more.
fn conclude(run: &mut RunRecord, now: DateTime<Utc>) {
    run.completed_at = Some(now);
    run.times.deadline_at = run.times.deadline_at.filter(|deadline| *deadline != instant::AT_ONCE);
}

/// Writes `Change::Recount`.
pub(super) fn recount(draft: &mut Draft<'_>, active: u32, suspended: u32) -> Result<(), Mismatch> {
    let run = draft.run_mut()?;
    (run.active, run.suspended) = (active, suspended);
    run.version += 1;
    Ok(())
}
