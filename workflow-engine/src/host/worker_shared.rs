//! The tasks of a worker and the state that they share: the claim loop, the services and the chains of jobs.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::bodies::RequestedBody;
use super::clock_jumps::ClockJumps;
use super::cost_roll_up::CostRollUp;
use super::enqueued_runs::EnqueuedRuns;
use super::flusher::Flushers;
use super::recently_served::RecentlyServed;
use super::registration::{RegisteredClaimant, Registration};
use super::retention::Retention;
use super::service::{self, Service};
use super::settings::WorkerSettings;
use super::slot_pool::{Slot, SlotPool};
use super::stale_leases::StaleLeases;
use super::stuck_runs::{StuckRuns, UnclaimedRuns};
use super::successor_slots::SuccessorSlots;
use super::timers::Timers;
use super::unclaimed_runs::MissingDefinitions;
use crate::error::Error;
use crate::kernel::{HeldJob, Kernel, Placement, Reservation};
use crate::records::{Claimant, ClaimedJob};
use crate::telemetry::SlotMeasurements;

/// Jobs that one claim takes at most. The next claim takes more, while these already run.
const CLAIM_BATCH: usize = 64;
/// Why a job that this worker has claimed, but cannot run, returns to the queue.
const NO_BODY: &str = "its worker could not start its body in time";
/// The name of the claim loop in logs.
const CLAIM: &str = "claim work";

/// The state that a worker's tasks share.
pub(super) struct WorkerShared {
    pub(super) kernel: Arc<Kernel>,
    pub(super) claimant: Arc<RegisteredClaimant>,
    pub(super) settings: WorkerSettings,
    recently_served: RecentlyServed,
    slots: Arc<SlotPool>,
    /// The runtime of the worker's own thread.
    host_runtime: Handle,
    /// The runtime of the loops and bodies.
    runtime: RwLock<Handle>,
    /// Whether that runtime was shut down.
    is_lost: AtomicBool,
    lost: Notify,
    /// The claim loop and the services.
    pub(super) loops: TaskTracker,
    pub(super) bodies: TaskTracker,
    pub(super) flushers: Flushers,
    /// Cancelled when the worker claims nothing more.
    stopping: CancellationToken,
    /// Cancelled when bodies have to stop.
    pub(super) stopped: CancellationToken,
    /// Cancelled when the loops have to end at their next `.await`.
    pub(super) abandoned: CancellationToken,
}

/// Notices that the runtime of the claim loop is shut down: then its task is dropped.
struct RuntimeWatch(Option<Arc<WorkerShared>>);

impl RuntimeWatch {
    /// The loop has ended by itself.
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for RuntimeWatch {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.is_lost.store(true, Ordering::Release);
            shared.lost.notify_waiters();
        }
    }
}

impl Placement for WorkerShared {
    fn reserve(self: Arc<Self>, wanted: usize, priority: i32) -> Option<Reservation> {
        // The slots that a new run would take may be on their way to more urgent work.
        if self.slots.must_queue(priority) || self.has_lost_runtime() {
            return None;
        }
        let permits: Vec<_> = (0..wanted).map_while(|_| self.slots.try_acquire()).collect();
        if permits.is_empty() {
            return None;
        }
        let (claimant, slots) = (self.claimant.get().clone(), permits.len());
        // The claim is sent later, so its leases last at least as long as counted from here.
        let claimed = self.kernel.clock().monotonic();
        Some(Reservation { claimant, slots, run: Box::new(move |jobs| self.run(jobs, claimed, permits)) })
    }
}

impl WorkerShared {
    pub(super) fn new(
        kernel: &Arc<Kernel>,
        settings: WorkerSettings,
        host_runtime: Handle,
        runtime: Handle,
    ) -> Arc<Self> {
        let highest = kernel.store().hints().watch_highest_priority();
        let claimant =
            Claimant { worker_id: settings.worker_id.clone(), lease: kernel.lease(), number: None };
        Arc::new(Self {
            kernel: Arc::clone(kernel),
            claimant: Arc::new(RegisteredClaimant::new(claimant)),
            recently_served: RecentlyServed::default(),
            slots: SlotPool::new(settings.concurrency, highest),
            settings,
            host_runtime,
            runtime: RwLock::new(runtime),
            is_lost: AtomicBool::new(false),
            lost: Notify::new(),
            loops: TaskTracker::new(),
            bodies: TaskTracker::new(),
            flushers: Flushers::default(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            abandoned: CancellationToken::new(),
        })
    }

    /// Runs jobs that are already claimed, each in its own slot, the most urgent ones first. Their claim was sent at
    /// `claimed`.
    fn run(self: &Arc<Self>, mut jobs: Vec<ClaimedJob>, claimed: Duration, slots: Vec<Slot>) {
        if jobs.is_empty() {
            return;
        }
        jobs.sort_by_key(|job| Reverse(if job.is_poll { Claimant::DEFAULT_PRIORITY } else { job.priority }));
        // The caller may be on another runtime, which may end before the body does.
        let runtime = self.runtime.read().unwrap_or_else(PoisonError::into_inner);
        for (job, slot) in jobs.into_iter().zip(slots) {
            let shared = Arc::clone(self);
            let job = self.hold(job, claimed);
            let body = self.slots.request_body();
            self.bodies.spawn_on(async move { shared.run_chain(job, slot, body).await }, &runtime);
        }
    }

    fn hold(&self, job: ClaimedJob, claimed: Duration) -> HeldJob {
        HeldJob::new(&self.kernel, job, claimed, &self.stopped)
    }

    /// Runs a job, then, in the same slot, the first of the jobs that its commit claimed. The others run beside it.
    async fn run_chain(self: Arc<Self>, mut job: HeldJob, mut slot: Slot, mut body: RequestedBody) {
        loop {
            let Some(running) = body.start().await else {
                job.return_to_queue(NO_BODY).await;
                return;
            };
            let slots = SuccessorSlots::new(slot, running, Arc::clone(&self.slots));
            let lease = job.lease().clone();
            let (mut next, claimed) = match job.execute(self.claimant.get(), &slots).await {
                Ok(finished) => (finished.next, finished.claimed),
                Err(error) => {
                    // The expired lease returns the job to the queue.
                    tracing::warn!(run = %lease.run_id, stage = %lease.stage_key, %error, "a job did not finish and runs again after its lease expires");
                    return;
                }
            };
            if next.is_empty() {
                return;
            }
            let mut slots = slots.into_slots();
            job = self.hold(next.remove(0), claimed);
            slot = slots.remove(0);
            body = self.slots.request_body();
            self.run(next, claimed, slots);
        }
    }

    async fn claim_until_stopped(self: Arc<Self>) {
        let hints = self.kernel.store().hints();
        let (mut work, mut backoff) = (hints.watch_work(), Backoff::default());
        loop {
            // Marked before the claim, so that a hint during the claim wakes the worker.
            work.mark_unchanged();
            let Some(permits) = self.slots.acquire_up_to(CLAIM_BATCH).await else { return };
            // A claim that has begun goes to its end, so that no job is claimed and then forgotten.
            let claim = Arc::clone(&self).claim_once(permits);
            let claimed = match self.kernel.detach(claim, |_, _| {}).await {
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
    async fn claim_once(self: Arc<Self>, mut permits: Vec<Slot>) -> Result<usize, Error> {
        self.slots.claim_started();
        let sent = self.kernel.clock().monotonic();
        let found =
            self.recently_served.claim(&self.kernel, self.claimant.get(), permits.len(), true).await?;
        self.slots.record_remaining(found.remaining_priority);
        let claimed = found.jobs.len() + found.started.len();
        let mut rest = permits.split_off(found.jobs.len());
        self.run(found.jobs, sent, permits);
        if found.runs.is_empty() {
            return Ok(claimed);
        }

        let started =
            self.recently_served.start(&self.kernel, self.claimant.get(), found.runs, rest.len()).await?;
        if claimed + started.runs > 0 {
            self.run(started.jobs, sent, rest);
            return Ok(claimed + started.runs);
        }
        // Other workers started these runs first, or none of them can be started: they must not delay other work.
        let found = self.recently_served.claim(&self.kernel, self.claimant.get(), rest.len(), false).await?;
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

    /// Returns how many slots are busy and free.
    pub(super) fn slots(&self) -> SlotMeasurements {
        let busy = self.slots.taken().min(self.settings.concurrency);
        SlotMeasurements::new(busy as u64, (self.settings.concurrency - busy) as u64)
    }

    /// Returns whether the runtime of the loops and bodies was shut down.
    pub(super) fn has_lost_runtime(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// Waits until the runtime is shut down.
    pub(super) async fn runtime_lost(&self) {
        let lost = self.lost.notified();
        tokio::pin!(lost);
        lost.as_mut().enable();
        if !self.has_lost_runtime() {
            lost.await;
        }
    }

    /// Claims nothing more.
    pub(super) fn stop_claiming(&self) {
        self.slots.close();
        self.stopping.cancel();
        self.loops.close();
        self.bodies.close();
    }

    pub(super) fn start_loops(self: &Arc<Self>, runtime: &Handle) {
        let (settings, shared) = (&self.settings, Arc::clone(self));
        // Made before the task is spawned: the runtime may drop it before its first poll.
        let watch = RuntimeWatch(Some(Arc::clone(self)));
        let claiming = async move {
            let abandoned = shared.abandoned.clone();
            abandoned.run_until_cancelled(shared.claim_until_stopped()).await;
            watch.end();
        };
        self.loops.spawn_on(claiming, runtime);
        self.start_service(runtime, StaleLeases::new(&self.kernel, &self.host_runtime));
        self.start_service(runtime, Registration::new(&self.kernel, settings, &self.claimant));
        self.start_service(runtime, EnqueuedRuns::new(&self.kernel));
        self.start_service(runtime, Timers::new(&self.kernel));
        self.start_service(runtime, ClockJumps::new());
        self.start_service(runtime, StuckRuns { threshold: settings.stuck_threshold });
        self.start_service(runtime, MissingDefinitions::default());
        if let Some(limit) = settings.unclaimed_limit {
            self.start_service(runtime, UnclaimedRuns { limit });
        }
        if let Some(older_than) = settings.retention {
            self.start_service(runtime, Retention { older_than });
        }
        self.start_service(runtime, CostRollUp::default());
        self.flushers.start(&self.kernel, &settings.worker_id, runtime);
    }

    fn start_service(&self, runtime: &Handle, service: impl Service + 'static) {
        let running = service::run(Arc::clone(&self.kernel), service, self.stopping.clone());
        let abandoned = self.abandoned.clone();
        self.loops.spawn_on(async move { abandoned.run_until_cancelled(running).await }, runtime);
    }

    /// Starts the loops on another runtime. Returns `false` where that one is shut down, too.
    pub(super) fn move_to(self: &Arc<Self>, runtime: Handle) -> bool {
        let mut current = self.runtime.write().unwrap_or_else(PoisonError::into_inner);
        if self.has_lost_runtime() && !self.stopping.is_cancelled() {
            tracing::info!("the runtime of the worker was shut down; the worker continues on another one");
            self.is_lost.store(false, Ordering::Release);
            self.start_loops(&runtime);
            *current = runtime;
        }
        !self.has_lost_runtime()
    }
}
