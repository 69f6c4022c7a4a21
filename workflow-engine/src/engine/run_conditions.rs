//! The conditions of a filter for runs that a store does not check.

use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::{RunFilter, Snapshot};
use crate::records::{JobRecord, Phase, RunRecord, Status, WaitingFor};
use crate::value::RunId;

/// What the engine checks of each run that the store has found.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    blocked_reason: Option<String>,
    /// Only where the status does not decide it.
    phase: Option<Phase>,
    waiting_for: Option<WaitingFor>,
}

impl Conditions {
    /// Splits a filter into these conditions and what the store checks; no filter if no run can match.
    pub(super) fn split(filter: RunFilter) -> (Self, Option<RunFilter>) {
        let conditions = Self {
            blocked_reason: filter.blocked_reason.clone(),
            phase: filter.phase.filter(|phase| matches!(phase, Phase::Running | Phase::Waiting)),
            waiting_for: filter.waiting_for,
        };
        let is_unfinished = conditions.blocked_reason.is_some() || conditions.waiting_for.is_some();
        let possible = |status: &Status| {
            filter.phase.is_none_or(|phase| phase.status() == *status)
                && (!is_unfinished || matches!(status, Status::Pending | Status::Running))
        };
        if filter.phase.is_none() && !is_unfinished {
            return (conditions, Some(filter));
        }
        let all = [Status::Pending, Status::Running, Status::Completed, Status::Failed, Status::Cancelled];
        let wanted = if filter.statuses.is_empty() { all.to_vec() } else { filter.statuses.clone() };
        let statuses: Vec<Status> = wanted.into_iter().filter(possible).collect();
        let filter = (!statuses.is_empty()).then_some(RunFilter { statuses, ..filter });
        (conditions, filter)
    }

    /// Returns whether the store checks everything.
    pub(super) fn is_empty(&self) -> bool {
        self.blocked_reason.is_none() && self.phase.is_none() && self.waiting_for.is_none()
    }

    /// Returns whether a run matches. A run that was deleted meanwhile does not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn admit(&self, kernel: &Kernel, run: &RunRecord) -> Result<bool, Error> {
        if self.phase.is_some_and(|phase| run.phase() != phase) {
            return Ok(false);
        }
        if let Some(wanted) = self.waiting_for
            && !waits_for(kernel, run.id, wanted).await?
        {
            return Ok(false);
        }
        match &self.blocked_reason {
            Some(reason) => is_blocked(kernel, run.id, reason).await,
            None => Ok(true),
        }
    }
}

/// Returns whether the run, or one of its stages, waits for this.
async fn waits_for(kernel: &Kernel, run_id: RunId, wanted: WaitingFor) -> Result<bool, Error> {
    let Some(snapshot) = kernel.store().snapshot(run_id).await? else { return Ok(false) };
    let now = kernel.clock().now();
    let Snapshot { run, stages, jobs, .. } = snapshot;
    let waits_for_budget = |job: &JobRecord| {
        stages.iter().any(|stage| stage.stage_id == job.stage_id && stage.awaited_cost.is_some())
    };
    let is_queued = run.status == Status::Pending;
    let starts_later = run.times.due_at.is_some_and(|due| due > now);
    let mut pending = jobs.iter().filter(|job| job.status == Status::Pending);
    let mut later = pending.clone().filter(|job| job.run_at > now && !waits_for_budget(job));
    Ok(match wanted {
        WaitingFor::Worker => is_queued && !starts_later || pending.any(|job| job.run_at <= now),
        WaitingFor::Time => is_queued && starts_later || later.any(|job| job.attempt == 0),
        WaitingFor::Retry => later.any(|job| job.attempt > 0),
        WaitingFor::Budget => pending.any(waits_for_budget),
        WaitingFor::Check | WaitingFor::Signal | WaitingFor::Child => {
            let suspended = jobs.iter().filter(|job| job.status == Status::Suspended);
            suspends_for(kernel, &run, suspended).await?.contains(&wanted)
        }
    })
}

/// Returns what the stages of these suspended jobs wait for: a check, where the definition says nothing else.
async fn suspends_for(
    kernel: &Kernel,
    run: &RunRecord,
    suspended: impl Iterator<Item = &JobRecord>,
) -> Result<Vec<WaitingFor>, Error> {
    let stages = kernel.definition_stages(&run.definition_fingerprint).await?;
    let wait = |job: &JobRecord| {
        let stage = stages.as_ref().and_then(|stages| stages.stage(run.id, &job.stage_id).ok());
        match stage {
            Some(stage) if stage.waits_for_child => WaitingFor::Child,
            Some(stage) if stage.signal_schema.is_some() => WaitingFor::Signal,
            _ => WaitingFor::Check,
        }
    };
    Ok(suspended.map(wait).collect())
}

/// Returns whether the run is blocked for this reason.
async fn is_blocked(kernel: &Kernel, run_id: RunId, reason: &str) -> Result<bool, Error> {
    match kernel.blocked_reason(run_id).await {
        Ok(found) => Ok(found.is_some_and(|found| found.code().as_str() == reason)),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
