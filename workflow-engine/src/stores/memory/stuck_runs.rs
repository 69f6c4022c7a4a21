//! Finds runs that are stuck, and runs that no worker with the given definitions can claim.

use chrono::{DateTime, Utc};

use super::state::{Run, State};
use crate::records::{JobRecord, Status};
use crate::value::RunId;

/// Returns `RUNNING` runs of these definitions that lack a job and whose last event is no later than `before`.
pub(super) fn stuck_runs<'a>(
    state: &'a State,
    definitions: &'a [String],
    before: DateTime<Utc>,
) -> impl Iterator<Item = RunId> + 'a {
    let running = state.running_runs.iter().filter_map(|run_id| state.runs.get(run_id));
    let stuck = running.filter(move |run| {
        definitions.contains(&run.record.definition_fingerprint)
            && run.commits.last().is_none_or(|last| last.row.at <= before)
            && lacks_a_job(run)
    });
    stuck.map(|run| run.record.id)
}

fn lacks_a_job(run: &Run) -> bool {
    let has_job = |job: &Option<JobRecord>| job.as_ref().is_some_and(|job| job.moves(run.record.generation));
    let mut stages = run.stages.values();
    let idle = run.stages.values().all(|stage| !has_job(&stage.job));
    idle || stages.any(|stage| {
        let is_ready = stage.record.waiting_on == 0 && !stage.record.status.is_terminal();
        is_ready && !has_job(&stage.job)
    })
}

/// Returns runs of other definitions that have been claimable since `before`.
pub(super) fn unclaimed_runs<'a>(
    state: &'a State,
    definitions: &'a [String],
    before: DateTime<Utc>,
) -> impl Iterator<Item = RunId> + 'a {
    let open = state.pending_runs.iter().chain(&state.running_runs);
    let unclaimed = open.filter_map(|run_id| state.runs.get(run_id)).filter(move |run| {
        let record = &run.record;
        let mut jobs = run.stages.values().filter_map(|stage| stage.job.as_ref());
        let is_unclaimed = match record.status {
            Status::Pending => record.times.due_at.unwrap_or(record.created_at) <= before,
            _ => jobs.clone().all(|job| job.status != Status::Running) && jobs.any(|job| is_due(job, before)),
        };
        is_unclaimed && !definitions.contains(&record.definition_fingerprint)
    });
    unclaimed.map(|run| run.record.id)
}

fn is_due(job: &JobRecord, before: DateTime<Utc>) -> bool {
    matches!(job.status, Status::Pending | Status::Suspended)
        && job.attempt < job.max_attempts
        && job.run_at <= before
}
