//! The worker: claims ready work and runs it, up to its concurrency.
//!
//! It does not poll. It claims after a hint, when a slot becomes free, and at the instant at which the store has
//! something due.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::ending::{self, ShutdownReport};
use super::flusher::Flushers;
use super::heartbeat::Heartbeat;
use super::recently_served::RecentlyServed;
use super::retention::Retention;
use super::service::{self, Service};
use super::settings::WorkerSettings;
use super::slot_pool::{SlotPool, SuccessorSlots};
use super::stale_leases::StaleLeases;
use super::stuck_runs::{StuckRuns, UnclaimedRuns};
use super::thread::HostThread;
use crate::error::Error;
use crate::kernel::{HeldJob, Kernel, Placement, Reservation};
use crate::ports::Store;
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
    heartbeat: Heartbeat,
    /// The report of the drain, once one has begun.
    drained: Mutex<Option<watch::Receiver<Option<ShutdownReport>>>>,
}

/// The state that a worker's tasks share.
pub(super) struct WorkerShared {
    pub(super) kernel: Arc<Kernel>,
    claim: Claimant,
    settings: WorkerSettings,
    recently_served: RecentlyServed,
    slots: Arc<SlotPool>,
    /// Whether a stage of its workflows may make more than one successor ready.
    has_branches: bool,
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

impl Worker {
    /// Starts a worker on the current tokio runtime.
    pub(crate) fn start(kernel: &Arc<Kernel>, settings: WorkerSettings) -> Result<Self, Error> {
        let runtime = Handle::try_current().map_err(Error::no_runtime)?;
        let claim = Claimant { worker_id: settings.worker_id.clone(), lease: kernel.lease() };
        let heartbeat = Heartbeat::start(Arc::clone(kernel))?;
        let shared = Arc::new(WorkerShared {
            kernel: Arc::clone(kernel),
            claim,
            recently_served: RecentlyServed::default(),
            slots: SlotPool::new(settings.concurrency, kernel.store().hints().watch_highest_priority()),
            settings,
            has_branches: kernel.registry().has_branches(),
            host_runtime: heartbeat.thread().runtime().clone(),
            runtime: RwLock::new(runtime.clone()),
            is_lost: AtomicBool::new(false),
            lost: Notify::new(),
            loops: TaskTracker::new(),
            bodies: TaskTracker::new(),
            flushers: Flushers::default(),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            abandoned: CancellationToken::new(),
        });
        let placement: Weak<dyn Placement> = Arc::<WorkerShared>::downgrade(&shared);
        kernel.set_placement(placement);
        shared.start_loops(&runtime);
        Ok(Self { shared, heartbeat, drained: Mutex::default() })
    }

    /// Drains: claims nothing more, lets bodies finish, and returns the jobs of those that do not finish in time to the
    /// queue. It runs on the worker's own thread, so it ends although the caller stops waiting, or is one of the bodies.
    pub(crate) async fn drain(&self) -> ShutdownReport {
        let mut drained = {
            let mut drained = self.drained.lock().unwrap_or_else(PoisonError::into_inner);
            drained.get_or_insert_with(|| self.begin_drain()).clone()
        };
        match drained.wait_for(Option::is_some).await {
            Ok(report) => report.clone().unwrap_or_default(),
            // The task has panicked.
            Err(_) => ShutdownReport::default(),
        }
    }

    fn begin_drain(&self) -> watch::Receiver<Option<ShutdownReport>> {
        // At once: a caller that drops its future after the first poll has stopped the claims.
        self.shared.stop_claiming();
        let (sender, receiver) = watch::channel(None);
        let (shared, heartbeat) = (Arc::clone(&self.shared), self.heartbeat.stop().clone());
        self.thread().spawn(async move {
            let report = ending::drain(&shared, shared.settings.drain_timeout, &heartbeat).await;
            sender.send_replace(Some(report));
        });
        receiver
    }

    /// Returns how long a drain waits for bodies.
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.shared.settings.drain_timeout
    }

    /// Returns the worker's own thread.
    pub(crate) const fn thread(&self) -> &HostThread {
        self.heartbeat.thread()
    }

    /// Ends a worker whose engine was dropped, on the worker's own thread, then closes the store if the engine has opened
    /// it.
    pub(crate) fn abandon(&self, store: Option<Arc<dyn Store>>) {
        let shared = Arc::clone(&self.shared);
        self.thread().spawn(async move {
            ending::abandon(&shared).await;
            if let Some(store) = store {
                store.close().await;
            }
        });
    }

    /// Moves the worker to the current runtime if its own was shut down. Returns `false` where there is none.
    pub(crate) fn ensure_runtime(&self) -> bool {
        !self.shared.is_lost.load(Ordering::Acquire)
            || Handle::try_current().is_ok_and(|runtime| self.shared.move_to(runtime))
    }

    /// Waits until the worker's runtime is shut down.
    pub(crate) async fn runtime_lost(&self) {
        let lost = self.shared.lost.notified();
        tokio::pin!(lost);
        lost.as_mut().enable();
        if !self.shared.is_lost.load(Ordering::Acquire) {
            lost.await;
        }
    }
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
        if self.slots.must_queue(priority) || self.is_lost.load(Ordering::Acquire) {
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
        if jobs.is_empty() {
            return;
        }
        // The caller may be on another runtime, which may end before the body does.
        let runtime = self.runtime.read().unwrap_or_else(PoisonError::into_inner);
        for (job, permit) in jobs.into_iter().zip(permits) {
            let shared = Arc::clone(self);
            let job = self.hold(job, claimed);
            self.bodies.spawn_on(async move { shared.run_chain(job, permit).await }, &runtime);
        }
    }

    fn hold(&self, job: ClaimedJob, claimed: Duration) -> HeldJob {
        HeldJob::new(&self.kernel, job, claimed, &self.stopped)
    }

    /// Runs a job, then, in the same slot, the first of the jobs that its commit claimed. The others run beside it.
    async fn run_chain(self: Arc<Self>, mut job: HeldJob, mut permit: OwnedSemaphorePermit) {
        loop {
            let slots = SuccessorSlots::new(permit, Arc::clone(&self.slots));
            let lease = job.lease().clone();
            let (mut next, claimed) = match job.execute(&self.claim, &slots).await {
                Ok(finished) => (finished.next, finished.claimed),
                Err(error) => {
                    // The expired lease returns the job to the queue.
                    tracing::warn!(run = %lease.run_id, stage = lease.stage_id, %error, "a job did not finish and runs again after its lease expires");
                    return;
                }
            };
            if next.is_empty() {
                return;
            }
            let mut permits = slots.into_permits();
            job = self.hold(next.remove(0), claimed);
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
    async fn claim_once(self: Arc<Self>, mut permits: Vec<OwnedSemaphorePermit>) -> Result<usize, Error> {
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

    /// Claims nothing more.
    pub(super) fn stop_claiming(&self) {
        self.slots.close();
        self.stopping.cancel();
        self.loops.close();
        self.bodies.close();
    }

    fn start_loops(self: &Arc<Self>, runtime: &Handle) {
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
        self.start_service(runtime, StuckRuns { threshold: settings.stuck_threshold });
        if let Some(limit) = settings.unclaimed_limit {
            self.start_service(runtime, UnclaimedRuns { limit });
        }
        if let Some(older_than) = settings.retention {
            self.start_service(runtime, Retention { older_than });
        }
        self.flushers.start(&self.kernel, &settings.worker_id, runtime);
    }

    fn start_service(&self, runtime: &Handle, service: impl Service + 'static) {
        let running = service::run(Arc::clone(&self.kernel), service, self.stopping.clone());
        let abandoned = self.abandoned.clone();
        self.loops.spawn_on(async move { abandoned.run_until_cancelled(running).await }, runtime);
    }

    /// Starts the loops on another runtime. Returns `false` where that one is shut down, too.
    fn move_to(self: &Arc<Self>, runtime: Handle) -> bool {
        let mut current = self.runtime.write().unwrap_or_else(PoisonError::into_inner);
        if self.is_lost.load(Ordering::Acquire) && !self.stopping.is_cancelled() {
            tracing::info!("the runtime of the worker was shut down; the worker continues on another one");
            self.slots.release_reserved();
            self.is_lost.store(false, Ordering::Release);
            self.start_loops(&runtime);
            *current = runtime;
        }
        !self.is_lost.load(Ordering::Acquire)
    }
}
