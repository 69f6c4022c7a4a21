//! One round of the work that a worker does beside its jobs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Serverless;
use crate::error::Error;
use crate::kernel::{
    ClaimPendingRuns, FlushOutbox, PollSuspendedStages, PollSuspendedStagesOutput, ReapStaleLeases,
    ReapStuckRuns,
};

/// The limits of one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceTick {
    /// The number of runs to start at most. Default 10.
    pub max_claims: usize,
    /// The number of suspended stages to check at most. Default 10.
    pub max_checks: usize,
    /// The number of events to deliver at most. Default 100.
    pub max_events: usize,
    /// How long a run must have been idle before the tick checks whether it is stuck; milliseconds in JSON. Default 1 h.
    #[serde(rename = "stuck_threshold_ms", with = "crate::value::milliseconds")]
    pub stuck_threshold: Duration,
}

impl Default for MaintenanceTick {
    fn default() -> Self {
        Self { max_claims: 10, max_checks: 10, max_events: 100, stuck_threshold: Duration::from_secs(3_600) }
    }
}

/// The result of a tick.
#[derive(Debug, Default, Serialize)]
pub struct MaintenanceReport {
    /// Runs that the tick started; their first stages are ready.
    pub claimed: usize,
    /// Suspended stages that the tick checked.
    pub suspended_checked: usize,
    /// Jobs that the tick returned to the queue because their leases had expired.
    pub stale_released: usize,
    /// Events that the tick delivered.
    pub events_flushed: usize,
    /// Stuck runs that the tick repaired or failed.
    pub stuck_reaped: usize,
    /// The steps that failed. The other steps were executed nevertheless.
    pub failed: Vec<StepFailure>,
    /// The earliest instant at which a job, a delivery or a schedule is due or a lease expires: the next call has something
    /// to do then, unless new work arrives earlier. The present instant while a pending run is left. An instant in the past
    /// means now.
    pub next_due: Option<DateTime<Utc>>,
}

/// A step of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Bringing back instants that were written while the clock was ahead.
    CorrectInstants,
    /// Returning jobs to the queue whose leases have expired.
    ReapStale,
    /// Handling the ticks of schedules, starting runs that are due, and failing those whose deadline has passed.
    KeepTimes,
    /// Starting pending runs.
    ClaimPending,
    /// Checking suspended stages.
    PollSuspended,
    /// Repairing or failing stuck runs.
    ReapStuck,
    /// Delivering events.
    Flush,
    /// Reading when the next work is due.
    NextDue,
    /// Notifying the scheduler.
    Schedule,
}

/// A step that failed.
#[derive(Debug, Serialize)]
pub struct StepFailure {
    /// The step.
    pub step: Step,
    /// The reason; in JSON its code and text.
    #[serde(serialize_with = "code_and_message")]
    pub error: Error,
}

impl Serverless {
    /// Does one round of the work that a worker does beside its jobs. A failing step is listed in the report and does not
    /// prevent the others. Ticks of one host never overlap: a second call waits for the first.
    pub async fn run_maintenance_tick(&self, tick: MaintenanceTick) -> MaintenanceReport {
        let _one_at_a_time = self.tick_lock.lock().await;
        let mut report = MaintenanceReport::default();
        let worker_id = &self.settings.worker_id;

        let corrected = self.kernel.store().correct_instants().await;
        report.record(Step::CorrectInstants, corrected);

        let reaped = self.kernel.execute(ReapStaleLeases::default()).await;
        report.stale_released = report.record(Step::ReapStale, reaped).map_or(0, |reaped| reaped.released);

        let kept = self.kernel.keep_times().await;
        report.record(Step::KeepTimes, kept);

        let accepted = self.kernel.accept_enqueued(tick.max_claims).await;
        report.record(Step::ClaimPending, accepted);

        let command = ClaimPendingRuns { worker_id: worker_id.clone(), limit: tick.max_claims, slots: 0 };
        let claimed = self.kernel.execute(command).await;
        report.claimed =
            report.record(Step::ClaimPending, claimed).map_or(0, |claimed| claimed.claimed.len());

        let polled = self.poll(tick.max_checks).await;
        report.suspended_checked =
            report.record(Step::PollSuspended, polled).map_or(0, |polled| polled.checked);

        let stuck = self.kernel.execute(ReapStuckRuns { threshold: tick.stuck_threshold }).await;
        report.stuck_reaped =
            report.record(Step::ReapStuck, stuck).map_or(0, |stuck| stuck.repaired + stuck.failed);

        let command = FlushOutbox { worker_id: worker_id.clone(), limit: tick.max_events, plugin: None };
        let flushed = self.kernel.execute(command).await;
        report.events_flushed = report.record(Step::Flush, flushed).map_or(0, |flushed| flushed.published);

        let due = self.next_due().await;
        report.next_due = report.record(Step::NextDue, due).flatten();
        let scheduled = self.schedule(report.next_due).await;
        report.record(Step::Schedule, scheduled);
        report
    }

    async fn poll(&self, max_checks: usize) -> Result<PollSuspendedStagesOutput, Error> {
        let invocation = self.begin()?;
        let worker_id = self.settings.worker_id.clone();
        self.kernel
            .poll_suspended(PollSuspendedStages { worker_id, limit: max_checks }, &invocation.stop)
            .await
    }
}

impl MaintenanceReport {
    fn record<T>(&mut self, step: Step, result: Result<T, Error>) -> Option<T> {
        result
            .map_err(|error| {
                tracing::error!(?step, %error, "a step of a maintenance tick failed");
                self.failed.push(StepFailure { step, error });
            })
            .ok()
    }
}

fn code_and_message<S: serde::Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}: {error}", error.code()))
}
