//! What a worker does beside its jobs, once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Serverless;
use crate::error::Error;
use crate::kernel::{
    ClaimPendingRuns, FlushOutbox, PollSuspendedStages, PollSuspendedStagesOutput, ReapStaleLeases,
    ReapStuckRuns,
};

/// How much one tick does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceTick {
    /// At most this many runs are started. Default 10.
    pub max_claims: usize,
    /// At most this many stages that wait are checked. Default 10.
    pub max_checks: usize,
    /// At most this many events are delivered. Default 100.
    pub max_events: usize,
    /// How long nothing may have happened in a run before it is looked at whether it is stuck; milliseconds in JSON.
    /// Default 1 h.
    #[serde(rename = "stuck_threshold_ms", with = "crate::value::milliseconds")]
    pub stuck_threshold: Duration,
}

impl Default for MaintenanceTick {
    fn default() -> Self {
        Self { max_claims: 10, max_checks: 10, max_events: 100, stuck_threshold: Duration::from_secs(3_600) }
    }
}

/// What a tick did.
#[derive(Debug, Default, Serialize)]
pub struct MaintenanceReport {
    /// Runs that were started; their first stages are ready.
    pub claimed: usize,
    /// Stages that wait and were checked.
    pub suspended_checked: usize,
    /// Jobs that were taken back from workers that are gone.
    pub stale_released: usize,
    /// Events that were delivered.
    pub events_flushed: usize,
    /// Runs that nothing moved, and that move again or have failed.
    pub stuck_reaped: usize,
    /// The steps that failed. The others were carried out nevertheless.
    pub failed: Vec<StepFailure>,
    /// The earliest instant at which a job or a delivery is due or a lease runs out: when the next call has something to
    /// do, should nothing else invoke before. Now, while a run is left that nobody has started. An instant that has passed
    /// means: now.
    pub next_due: Option<DateTime<Utc>>,
}

/// A step of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Taking jobs back whose leases have run out.
    ReapStale,
    /// Starting runs.
    ClaimPending,
    /// Checking stages that wait.
    PollSuspended,
    /// Moving runs that nothing moves.
    ReapStuck,
    /// Delivering events.
    Flush,
    /// Asking when something is due.
    NextDue,
    /// Telling the scheduler.
    Schedule,
}

/// A step that failed.
#[derive(Debug, Serialize)]
pub struct StepFailure {
    /// Which.
    pub step: Step,
    /// Why.
    #[serde(serialize_with = "code_and_message")]
    pub error: Error,
}

impl Serverless {
    /// One round of what a worker does beside its jobs. Steps are isolated: one that fails is listed, and holds up no
    /// other. Ticks of one host never overlap: a second one waits for the first.
    pub async fn run_maintenance_tick(&self, tick: MaintenanceTick) -> MaintenanceReport {
        let _one_at_a_time = self.ticking.lock().await;
        let mut ticked = MaintenanceReport::default();
        let worker_id = &self.settings.worker_id;

        let reaped = self.kernel.dispatch(ReapStaleLeases::default()).await;
        ticked.stale_released = ticked.note(Step::ReapStale, reaped).map_or(0, |reaped| reaped.released);

        let command = ClaimPendingRuns { worker_id: worker_id.clone(), limit: tick.max_claims, slots: 0 };
        let claimed = self.kernel.dispatch(command).await;
        ticked.claimed = ticked.note(Step::ClaimPending, claimed).map_or(0, |claimed| claimed.claimed.len());

        let polled = self.poll(tick.max_checks).await;
        ticked.suspended_checked =
            ticked.note(Step::PollSuspended, polled).map_or(0, |polled| polled.checked);

        let stuck = self.kernel.dispatch(ReapStuckRuns { threshold: tick.stuck_threshold }).await;
        ticked.stuck_reaped =
            ticked.note(Step::ReapStuck, stuck).map_or(0, |stuck| stuck.repaired + stuck.failed);

        let command = FlushOutbox { worker_id: worker_id.clone(), limit: tick.max_events, plugin: None };
        let flushed = self.kernel.dispatch(command).await;
        ticked.events_flushed = ticked.note(Step::Flush, flushed).map_or(0, |flushed| flushed.published);

        let due = self.next_due().await;
        ticked.next_due = ticked.note(Step::NextDue, due).flatten();
        let told = self.schedule(ticked.next_due).await;
        ticked.note(Step::Schedule, told);
        ticked
    }

    async fn poll(&self, max_checks: usize) -> Result<PollSuspendedStagesOutput, Error> {
        let invocation = self.begin()?;
        let worker_id = self.settings.worker_id.clone();
        self.kernel
            .poll_suspended(PollSuspendedStages { worker_id, limit: max_checks }, &invocation.over)
            .await
    }
}

impl MaintenanceReport {
    fn note<T>(&mut self, step: Step, result: Result<T, Error>) -> Option<T> {
        result
            .map_err(|error| {
                tracing::error!(?step, %error, "a step of maintenance failed");
                self.failed.push(StepFailure { step, error });
            })
            .ok()
    }
}

fn code_and_message<S: serde::Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}: {error}", error.code()))
}
