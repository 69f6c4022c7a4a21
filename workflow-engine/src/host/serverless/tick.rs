//! What a worker does beside its jobs, once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Serverless;
use crate::error::Error;
use crate::kernel::{LeaseReapStale, OutboxFlush, RunClaimPending};

/// How much one tick does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaintenanceTick {
    /// At most this many runs are started. Default 10.
    pub max_claims: usize,
    /// At most this many events are delivered. Default 100.
    pub max_events: usize,
}

impl Default for MaintenanceTick {
    fn default() -> Self {
        Self { max_claims: 10, max_events: 100 }
    }
}

/// What a tick did.
#[derive(Debug, Default, Serialize)]
pub struct Ticked {
    /// Runs that were started; their first stages are ready.
    pub claimed: usize,
    /// Jobs that were taken back from workers that are gone.
    pub stale_released: usize,
    /// Events that were delivered.
    pub events_flushed: usize,
    /// The steps that failed. The others were carried out nevertheless.
    pub failed: Vec<StepFailed>,
    /// The earliest instant at which a job is due or a lease runs out: when the next call has something to do, should
    /// nothing else invoke before. An instant that has passed means: now.
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
    /// Delivering events.
    Flush,
    /// Asking when something is due.
    NextDue,
}

/// A step that failed.
#[derive(Debug, Serialize)]
pub struct StepFailed {
    /// Which.
    pub step: Step,
    /// Why.
    #[serde(serialize_with = "code_and_message")]
    pub error: Error,
}

impl Serverless {
    /// One round of what a worker does beside its jobs. Steps are isolated: one that fails is listed, and holds up no
    /// other. Ticks of one host never overlap: a second one waits for the first.
    pub async fn run_maintenance_tick(&self, tick: MaintenanceTick) -> Ticked {
        let _one_at_a_time = self.ticking.lock().await;
        let mut ticked = Ticked::default();
        let worker_id = &self.settings.worker_id;

        let reaped = self.kernel.dispatch(LeaseReapStale::default()).await;
        ticked.stale_released = ticked.note(Step::ReapStale, reaped).map_or(0, |reaped| reaped.released);

        let command = RunClaimPending { worker_id: worker_id.clone(), max_claims: tick.max_claims, slots: 0 };
        let claimed = self.kernel.dispatch(command).await;
        ticked.claimed = ticked.note(Step::ClaimPending, claimed).map_or(0, |claimed| claimed.claimed.len());

        let command = OutboxFlush { worker_id: worker_id.clone(), max_events: tick.max_events };
        let flushed = self.kernel.dispatch(command).await;
        ticked.events_flushed = ticked.note(Step::Flush, flushed).map_or(0, |flushed| flushed.published);

        let due = self.next_due().await;
        ticked.next_due = ticked.note(Step::NextDue, due).flatten();
        ticked
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let store = self.kernel.store();
        let job = store.next_job_due(self.kernel.definitions()).await?;
        let lease = store.next_lease_end().await?;
        Ok(job.into_iter().chain(lease).min())
    }
}

impl Ticked {
    fn note<T>(&mut self, step: Step, result: Result<T, Error>) -> Option<T> {
        result
            .map_err(|error| {
                tracing::error!(?step, %error, "a step of maintenance failed");
                self.failed.push(StepFailed { step, error });
            })
            .ok()
    }
}

fn code_and_message<S: serde::Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}: {error}", error.code()))
}
