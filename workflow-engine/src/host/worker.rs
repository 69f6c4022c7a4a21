//! The worker: claims what is ready and runs it, up to its concurrency.
//!
//! It does not poll. It looks for work when a hint says so, when a slot becomes free, and at the instant at which the
//! store says that something is due.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::flusher::Flushers;
use super::heartbeat::Heartbeat;
use super::preemption::Preemption;
use super::recently_served::RecentlyServed;
use super::settings::WorkerSettings;
use super::slot_pool::{SlotPool, SuccessorSlots};
use super::{maintenance, retention, stuck_runs};
use crate::error::Error;
use crate::kernel::{Kernel, Placement, Reservation};
use crate::records::{Claimant, ClaimedJob};

/// Jobs that one claim takes at most; more are taken by the next one, while these already run.
const CLAIM_BATCH: usize = 64;
/// How long room is kept for branches: longer than short bodies and their commits take, and no time for long ones.
const KEPT_FOR_BRANCHES: Duration = Duration::from_millis(10);
/// How long the worker waits after the store could not be read or written.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A worker in this process.
pub(crate) struct Worker {
    link: Arc<WorkerShared>,
    settings: WorkerSettings,
    main: TaskTracker,
    heartbeat: Heartbeat,
    flushers: Flushers,
}

/// The state that a worker's tasks share.
struct WorkerShared {
    kernel: Arc<Kernel>,
    claim: Claimant,
    recently_served: RecentlyServed,
    room: Arc<SlotPool>,
    /// Whether a stage of its workflows may make more than one ready.
    has_branches: bool,
    bodies: TaskTracker,
    /// No more bodies.
    stopped: CancellationToken,
}

impl Worker {
    /// Starts a worker on the current tokio runtime.
    pub(crate) fn start(kernel: &Arc<Kernel>, settings: WorkerSettings) -> Result<Self, Error> {
        let claim = Claimant { worker_id: settings.worker_id.clone(), lease: kernel.lease() };
        let stopping = CancellationToken::new();
        let heartbeat = Heartbeat::start(Arc::clone(kernel))?;
        let link = Arc::new(WorkerShared {
            kernel: Arc::clone(kernel),
            claim,
            recently_served: RecentlyServed::default(),
            room: Arc::new(SlotPool {
                free: Arc::new(Semaphore::new(settings.concurrency.max(1))),
                preemption: Preemption::new(kernel.store().hints().watch_highest_priority()),
                stopping: stopping.clone(),
                reserved: Mutex::default(),
            }),
            has_branches: kernel.registry().has_branches(),
            bodies: TaskTracker::new(),
            stopped: CancellationToken::new(),
        });
        let placement: Weak<dyn Placement> = Arc::<WorkerShared>::downgrade(&link);
        kernel.set_placement(placement);
        let main = TaskTracker::new();
        main.spawn(Arc::clone(&link).claim_until_stopped());
        main.spawn(maintenance::reap(Arc::clone(kernel), stopping.clone()));
        let (threshold, limit) = (settings.stuck_threshold, settings.unclaimed_limit);
        main.spawn(stuck_runs::reap_stuck(Arc::clone(kernel), threshold, stopping.clone()));
        if let Some(limit) = limit {
            main.spawn(stuck_runs::fail_unclaimed(Arc::clone(kernel), limit, stopping.clone()));
        }
        if let Some(older_than) = settings.retention {
            main.spawn(retention::purge(Arc::clone(kernel), older_than, stopping));
        }
        let flushers = Flushers::start(kernel, &settings.worker_id);
        Ok(Self { link, settings, main, heartbeat, flushers })
    }

    /// Drains: claims nothing more, lets bodies finish, hands back those that do not finish in time.
    pub(crate) async fn drain(&self) {
        let link = &self.link;
        link.room.stopping.cancel();
        self.main.close();
        self.main.wait().await;
        link.bodies.close();
        let finished = link.bodies.wait();
        tokio::select! {
            () = finished => {}
            () = link.kernel.clock().sleep(self.settings.drain_timeout) => {
                link.stopped.cancel();
                link.bodies.wait().await;
            }
        }
        self.heartbeat.stop();
        // What the last bodies said still goes out.
        self.flushers.drain(&link.kernel, self.settings.drain_timeout).await;
    }
}

impl Placement for WorkerShared {
    fn reserve(self: Arc<Self>, wanted: usize, priority: i32) -> Option<Reservation> {
        // The slots that a new run would take may be on their way to more urgent work.
        if self.room.preemption.must_queue(priority) {
            return None;
        }
        let permits: Vec<_> = (0..wanted).map_while(|_| self.room.try_acquire()).collect();
        if permits.is_empty() {
            return None;
        }
        let (claimant, slots) = (self.claim.clone(), permits.len());
        Some(Reservation { claimant, slots, run: Box::new(move |jobs| self.run(jobs, permits)) })
    }
}

impl WorkerShared {
    /// Runs claimed jobs, each in its own slot.
    fn run(self: &Arc<Self>, jobs: Vec<ClaimedJob>, permits: Vec<OwnedSemaphorePermit>) {
        for (job, permit) in jobs.into_iter().zip(permits) {
            let link = Arc::clone(self);
            self.bodies.spawn(async move { link.run_chain(job, permit).await });
        }
    }

    /// Runs a job, and then the first of those that its commit claimed, in the same room; the others beside it.
    async fn run_chain(self: Arc<Self>, mut job: ClaimedJob, mut permit: OwnedSemaphorePermit) {
        loop {
            let slots = SuccessorSlots::new(permit, Arc::clone(&self.room));
            let finished = self.kernel.execute_claimed(&job, &self.claim, &slots, &self.stopped).await;
            let mut next = match finished {
                Ok(finished) => finished.next,
                Err(error) => {
                    // The lease runs out, and the job returns to the queue.
                    let lease = &job.lease;
                    tracing::error!(run = %lease.run_id, stage = lease.stage_id, %error, "a job was not brought to its end");
                    return;
                }
            };
            if next.is_empty() {
                return;
            }
            let mut permits = slots.into_permits();
            job = next.remove(0);
            permit = permits.remove(0);
            self.run(next, permits);
        }
    }

    async fn claim_until_stopped(self: Arc<Self>) {
        let mut work = self.kernel.store().hints().watch_work();
        loop {
            // Seen before the claim, so a hint that arrives during it is not lost.
            work.mark_unchanged();
            let first = tokio::select! {
                biased;
                () = self.room.stopping.cancelled() => return,
                permit = Arc::clone(&self.room.free).acquire_owned() => match permit {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            match self.claim_once(first).await {
                Ok(0) => tokio::select! {
                    () = self.room.stopping.cancelled() => return,
                    () = self.wait_for_work(&mut work) => {}
                },
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "work could not be claimed");
                    tokio::select! {
                        () = self.room.stopping.cancelled() => return,
                        () = self.kernel.clock().sleep(STORE_PAUSE) => {}
                    }
                }
            }
        }
    }

    /// Claims as much as there is room for; answers how much that was.
    async fn claim_once(self: &Arc<Self>, first: OwnedSemaphorePermit) -> Result<usize, Error> {
        let mut permits = vec![first];
        while permits.len() < CLAIM_BATCH
            && let Some(permit) = self.room.try_acquire()
        {
            permits.push(permit);
        }
        let spare = if self.has_branches { permits.len() / 2 } else { 0 };
        let mut spare = permits.split_off(permits.len() - spare);
        self.room.preemption.claim_started();
        let found = self.recently_served.claim(&self.kernel, &self.claim, permits.len(), true).await?;
        self.room.preemption.record_remaining(found.remaining_priority);
        let claimed = found.jobs.len() + found.started.len();
        let mut rest = permits.split_off(found.jobs.len());
        spare.truncate(found.started.len());
        #[allow(
            clippy::disallowed_methods,
            reason = "bodies take real time, whatever the engine's clock shows"
        )]
        self.room.reserve_for_branches(spare, tokio::time::sleep(KEPT_FOR_BRANCHES));
        self.run(found.jobs, permits);
        if found.runs.is_empty() {
            return Ok(claimed);
        }

        let started = self.recently_served.start(&self.kernel, &self.claim, found.runs, rest.len()).await?;
        if claimed + started.runs > 0 {
            self.run(started.jobs, rest);
            return Ok(claimed + started.runs);
        }
        // Others were faster, or none of them can be started: they keep nothing else from its turn.
        let found = self.recently_served.claim(&self.kernel, &self.claim, rest.len(), false).await?;
        let claimed = found.jobs.len();
        rest.truncate(claimed);
        self.run(found.jobs, rest);
        Ok(claimed)
    }

    /// Until a hint, or the instant at which something is due.
    async fn wait_for_work(&self, work: &mut watch::Receiver<u64>) {
        let due = match self.kernel.store().next_job_due(&self.kernel.definitions()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "the store does not say what is due");
                Some(self.kernel.clock().now() + STORE_PAUSE)
            }
        };
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
    }
}
