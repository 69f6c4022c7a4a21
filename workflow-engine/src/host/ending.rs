//! The end of a worker: within a time limit, even if the store does not respond or a body blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::worker_shared::WorkerShared;
use crate::kernel::{WORKER_STOPS, return_lease};
use crate::ports::Clock;
use crate::records::Lease;
use crate::value::{RunId, StageKey};

/// How long stopped bodies may take to return their jobs, and the last events to be delivered, after the drain timeout.
const GRACE: Duration = Duration::from_millis(500);
/// How long the worker then tries to return the jobs of bodies that do not react.
const RETURN_TIMEOUT: Duration = Duration::from_millis(250);

/// How often, and at which interval, the worker checks whether the last bodies have ended.
const CHECKS: u32 = 20;
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// What a worker has left behind when it ended; see [`Engine::shutdown`](crate::Engine::shutdown).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// The jobs that were not returned to the queue, because the store did not respond. Another worker takes them over
    /// when their leases have expired.
    pub unreturned: Vec<LeftJob>,
    /// The stages whose bodies still run, because they do not reach an `.await`. They cannot commit any more, but they
    /// keep the process from ending by itself.
    pub blocked: Vec<LeftJob>,
    /// Whether some events were not delivered yet. Another process delivers them.
    pub has_undelivered_events: bool,
    /// Whether the store was still busy, so that it could not be closed in time.
    pub is_store_open: bool,
}

/// A stage of a run that a worker has left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftJob {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_key: StageKey,
}

impl From<Lease> for LeftJob {
    fn from(lease: Lease) -> Self {
        Self { run_id: lease.run_id, stage_key: lease.stage_key }
    }
}

impl ShutdownReport {
    /// Returns whether nothing was left behind.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// Ends the worker: it claims nothing more, lets bodies finish until `end`, returns the jobs of the others to the queue,
/// and delivers the last events.
pub(super) async fn drain(
    shared: &Arc<WorkerShared>,
    end: DateTime<Utc>,
    heartbeat: &CancellationToken,
) -> ShutdownReport {
    shared.stop_claiming();
    let is_flushing = AtomicBool::new(false);
    let ended = async {
        shared.loops.wait().await;
        shared.bodies.wait().await;
        is_flushing.store(true, Ordering::Relaxed);
        // Last, so that the events of the last bodies are delivered.
        shared.flushers.drain().await;
    };
    tokio::pin!(ended);
    let clock = shared.kernel.clock();
    let is_in_time = tokio::select! {
        biased;
        () = &mut ended => true,
        () = clock.sleep_until(end) => false,
    };
    shared.stopped.cancel();
    // Subscribers that have had their time already get no more.
    if !is_in_time && !is_flushing.load(Ordering::Relaxed) {
        tokio::select! {
            biased;
            () = &mut ended => {}
            () = elapsed(clock, GRACE) => {}
        }
    }
    let has_undelivered_events = !shared.flushers.have_ended();
    shared.flushers.stop();
    shared.abandoned.cancel();
    let (unreturned, ()) = tokio::join!(
        return_jobs(shared, elapsed(clock, RETURN_TIMEOUT)),
        note_drained(shared, elapsed(clock, RETURN_TIMEOUT)),
    );
    heartbeat.cancel();
    let blocked = blocked_bodies(shared).await.into_iter().map(LeftJob::from).collect();
    ShutdownReport { unreturned, blocked, has_undelivered_events, ..ShutdownReport::default() }
}

/// Ends the worker of an engine whose last handle was dropped: bodies are stopped, and their jobs return to the queue.
pub(super) async fn abandon(shared: &Arc<WorkerShared>) {
    shared.stop_claiming();
    shared.stopped.cancel();
    shared.flushers.stop();
    let ended = async {
        shared.loops.wait().await;
        shared.bodies.wait().await;
    };
    tokio::select! {
        biased;
        () = ended => {}
        // In real time: the bodies' runtime may be shut down, or not running.
        () = real_time(GRACE) => {}
    }
    shared.abandoned.cancel();
    tokio::join!(
        return_jobs(shared, real_time(RETURN_TIMEOUT)),
        note_drained(shared, real_time(RETURN_TIMEOUT)),
    );
}

/// Waits for a time limit on bodies and commits: by the clock, and in real time, which they take even where a test moves the
/// clock.
pub(crate) async fn elapsed(clock: &Arc<dyn Clock>, limit: Duration) {
    tokio::join!(clock.sleep(limit), real_time(limit));
}

#[allow(
    clippy::disallowed_methods,
    reason = "bodies take real time to stop, independently of the engine's clock"
)]
pub(super) async fn real_time(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Returns the leases of stopped bodies that still run. Most end a moment after they were stopped.
async fn blocked_bodies(shared: &Arc<WorkerShared>) -> Vec<Lease> {
    for _ in 0..CHECKS {
        if shared.kernel.running().blocked().is_empty() {
            break;
        }
        real_time(CHECK_INTERVAL).await;
    }
    shared.kernel.running().blocked()
}

/// Notes in the store that the worker has drained, unless that takes longer than `timeout`.
async fn note_drained(shared: &Arc<WorkerShared>, timeout: impl Future<Output = ()>) {
    let Some(number) = shared.claimant.get().number else { return };
    tokio::select! {
        biased;
        noted = shared.kernel.store().drain_worker(number) => {
            if let Err(error) = noted {
                tracing::debug!(%error, "the end of the worker is not noted in the store");
            }
        }
        () = timeout => {}
    }
}

/// Returns the jobs whose bodies do not react: they run code without an `.await`, or their runtime does not run. The
/// store refuses their outcomes from then on. Returns the jobs that are left when `timeout` ends.
async fn return_jobs(shared: &Arc<WorkerShared>, timeout: impl Future<Output = ()>) -> Vec<LeftJob> {
    let kernel = &shared.kernel;
    let returned = join_all(kernel.running().leases().into_iter().map(|lease| async move {
        if return_lease(kernel, &lease, WORKER_STOPS).await.is_ok() {
            kernel.running().note_returned(&lease);
        }
    }));
    tokio::select! {
        biased;
        _ = returned => {}
        () = timeout => {}
    }
    kernel.running().leases().into_iter().map(LeftJob::from).collect()
}
