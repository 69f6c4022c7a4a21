//! The worker: claims ready work and runs it, up to its concurrency.
//!
//! It does not poll. It claims after a hint, when a slot becomes free, and at the instant at which the store has
//! something due.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::flusher::Flushers;
use super::heartbeat::Heartbeat;
use super::recently_served::RecentlyServed;
use super::retention::Retention;
use super::service::{self, Service};
use super::settings::WorkerSettings;
use super::slot_pool::{SlotPool, SuccessorSlots};
use super::stale_leases::StaleLeases;
use super::stuck_runs::{StuckRuns, UnclaimedRuns};
use crate::error::Error;
use crate::kernel::{Kernel, Placement, Reservation};
use crate::records::{Claimant, ClaimedJob};

/// Jobs that one claim takes at most. The next claim takes more, while these already run.
const CLAIM_BATCH: usize = 64;
/// How long slots are reserved for branches: longer than short bodies and their commits take, and negligible beside
/// long ones.
const RESERVATION: Duration = Duration::from_millis(10);
/// The name of the claim loop in logs.
const CLAIM: &str = "claim work";

/// A worker in this process.
pub(crate) struct Worker {
    shared: Arc<WorkerShared>,
    settings: WorkerSettings,
    /// The claim loop and the services.
    loops: TaskTracker,
    heartbeat: Heartbeat,
    flushers: Flushers,
}

/// The state that a worker's tasks share.
struct WorkerShared {
    kernel: Arc<Kernel>,
    claim: Claimant,
    recently_served: RecentlyServed,
    slots: Arc<SlotPool>,
    /// Whether a stage of its workflows may make more than one successor ready.
    has_branches: bool,
    bodies: TaskTracker,
    /// Cancelled when the worker claims nothing more.
    stopping: CancellationToken,
    /// Cancelled when bodies have to stop.
    stopped: CancellationToken,
}

impl Worker {
    /// Starts a worker on the current tokio runtime.
    pub(crate) fn start(kernel: &Arc<Kernel>, settings: WorkerSettings) -> Result<Self, Error> {
        let claim = Claimant { worker_id: settings.worker_id.clone(), lease: kernel.lease() };
        let heartbeat = Heartbeat::start(Arc::clone(kernel))?;
        let shared = Arc::new(WorkerShared {
            kernel: Arc::clone(kernel),
            claim,
            recently_served: RecentlyServed::default(),
            slots: SlotPool::new(settings.concurrency, kernel.store().hints().watch_highest_priority()),
            has_branches: kernel.registry().has_branches(),
            bodies: TaskTracker::new(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
        });
        let placement: Weak<dyn Placement> = Arc::<WorkerShared>::downgrade(&shared);
        kernel.set_placement(placement);
        let loops = TaskTracker::new();
        loops.spawn(Arc::clone(&shared).claim_until_stopped());
        shared.spawn_service(&loops, StaleLeases::new(kernel, heartbeat.runtime()));
        shared.spawn_service(&loops, StuckRuns { threshold: settings.stuck_threshold });
        if let Some(limit) = settings.unclaimed_limit {
            shared.spawn_service(&loops, UnclaimedRuns { limit });
        }
        if let Some(older_than) = settings.retention {
            shared.spawn_service(&loops, Retention { older_than });
        }
        let flushers = Flushers::start(kernel, &settings.worker_id);
        Ok(Self { shared, settings, loops, heartbeat, flushers })
    }

    /// Drains: claims nothing more, lets bodies finish, and returns the jobs of those that do not finish in time to the
    /// queue.
    pub(crate) async fn drain(&self) {
        let shared = &self.shared;
        shared.slots.close();
        shared.stopping.cancel();
        self.loops.close();
        self.loops.wait().await;
        shared.bodies.close();
        let finished = shared.bodies.wait();
        tokio::select! {
            () = finished => {}
            () = shared.kernel.clock().sleep(self.settings.drain_timeout) => {
                shared.stopped.cancel();
                shared.bodies.wait().await;
            }
        }
        self.heartbeat.stop();
        // Last, so that the events of the last bodies are delivered.
        self.flushers.drain(&shared.kernel, self.settings.drain_timeout).await;
    }
}

impl Placement for WorkerShared {
    fn reserve(self: Arc<Self>, wanted: usize, priority: i32) -> Option<Reservation> {
        // The slots that a new run would take may be on their way to more urgent work.
        if self.slots.must_queue(priority) {
            return None;
        }
        let permits: Vec<_> = (0..wanted).map_while(|_| self.slots.try_acquire()).collect();
        if permits.is_empty() {
            return None;
        }
        let (claimant, slots) = (self.claim.clone(), permits.len());
        // The claim is sent later, so its leases last at least as long as counted from here.
        let claimed = self.kernel.clock().monotonic();
        Some(Reservation { claimant, slots, run: Box::new(move |jobs| self.run(jobs, claimed, permits)) })
    }
}

impl WorkerShared {
    /// Runs jobs that are already claimed, each in its own slot. Their claim was sent at `claimed`.
    fn run(self: &Arc<Self>, jobs: Vec<ClaimedJob>, claimed: Duration, permits: Vec<OwnedSemaphorePermit>) {
        for (job, permit) in jobs.into_iter().zip(permits) {
            let shared = Arc::clone(self);
            self.bodies.spawn(async move { shared.run_chain(job, claimed, permit).await });
        }
    }

    /// Runs a job, then, in the same slot, the first of the jobs that its commit claimed. The others run beside it.
    async fn run_chain(
        self: Arc<Self>,
        mut job: ClaimedJob,
        mut claimed: Duration,
        mut permit: OwnedSemaphorePermit,
    ) {
        loop {
            let slots = SuccessorSlots::new(permit, Arc::clone(&self.slots));
            let finished =
                self.kernel.execute_claimed(&job, claimed, &self.claim, &slots, &self.stopped).await;
            let mut next;
            (next, claimed) = match finished {
                Ok(finished) => (finished.next, finished.claimed),
                Err(error) => {
                    // The expired lease returns the job to the queue.
                    let lease = &job.lease;
                    tracing::warn!(run = %lease.run_id, stage = lease.stage_id, %error, "a job did not finish and runs again after its lease expires");
                    return;
                }
            };
            if next.is_empty() {
                return;
            }
            let mut permits = slots.into_permits();
            job = next.remove(0);
            permit = permits.remove(0);
            self.run(next, claimed, permits);
        }
    }

    async fn claim_until_stopped(self: Arc<Self>) {
        let hints = self.kernel.store().hints();
        let (mut work, mut backoff) = (hints.watch_work(), Backoff::default());
        loop {
            // Marked before the claim, so that a hint during the claim wakes the worker.
            work.mark_unchanged();
            let Some(permits) = self.slots.acquire_up_to(CLAIM_BATCH).await else { return };
            let claimed = match self.claim_once(permits).await {
                Ok(0) => tokio::select! {
                    () = self.stopping.cancelled() => return,
                    waited = self.wait_for_work(&mut work) => waited,
                },
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
            hints.outages().record(CLAIM, &claimed);
            if claimed.is_ok() {
                backoff.reset();
                continue;
            }
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = self.kernel.clock().sleep(backoff.next_pause()) => {}
            }
        }
    }

    /// Claims work for these slots and runs it. Returns how many jobs and runs it claimed.
    async fn claim_once(self: &Arc<Self>, mut permits: Vec<OwnedSemaphorePermit>) -> Result<usize, Error> {
        let spare = if self.has_branches { permits.len() / 2 } else { 0 };
        let mut spare = permits.split_off(permits.len() - spare);
        self.slots.claim_started();
        let sent = self.kernel.clock().monotonic();
        let found = self.recently_served.claim(&self.kernel, &self.claim, permits.len(), true).await?;
        self.slots.record_remaining(found.remaining_priority);
        let claimed = found.jobs.len() + found.started.len();
        let mut rest = permits.split_off(found.jobs.len());
        spare.truncate(found.started.len());
        #[allow(
            clippy::disallowed_methods,
            reason = "bodies take real time, independently of the engine's clock"
        )]
        self.slots.reserve_for_branches(spare, tokio::time::sleep(RESERVATION));
        self.run(found.jobs, sent, permits);
        if found.runs.is_empty() {
            return Ok(claimed);
        }

        let started = self.recently_served.start(&self.kernel, &self.claim, found.runs, rest.len()).await?;
        if claimed + started.runs > 0 {
            self.run(started.jobs, sent, rest);
            return Ok(claimed + started.runs);
        }
        // Other workers started these runs first, or none of them can be started: they must not delay other work.
        let found = self.recently_served.claim(&self.kernel, &self.claim, rest.len(), false).await?;
        let claimed = found.jobs.len();
        rest.truncate(claimed);
        self.run(found.jobs, sent, rest);
        Ok(claimed)
    }

    /// Waits for a hint, or for the instant at which a job is due.
    async fn wait_for_work(&self, work: &mut watch::Receiver<u64>) -> Result<(), Error> {
        let due = self.kernel.store().next_job_due(&self.kernel.definitions()).await?;
        // Recorded before the wait, which may take hours.
        self.kernel.store().hints().outages().succeeded(CLAIM);
        let due = async {
            match due {
                Some(due) => self.kernel.clock().sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Cannot fail: the store holds the sender.
            _ = work.changed() => {}
            () = due => {}
        }
        Ok(())
    }

    fn spawn_service(&self, loops: &TaskTracker, service: impl Service + 'static) {
        loops.spawn(service::run(Arc::clone(&self.kernel), service, self.stopping.clone()));
    }
}
