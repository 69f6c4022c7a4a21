//! Delivers events to one subscriber: of several runs at the same time, and of each run in order.
//!
//! A flush claims deliveries, calls the subscriber in tasks of its own, renews the leases meanwhile, and settles what has
//! finished. A slow call delays only its own run: the flush continues with others in the free places until it has nothing
//! left to wait for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Kernel;
use super::delivery_task::{self, Budget, DeliveryTask, Finished, Hold};
use super::flush_output::FlushOutboxOutput;
use super::subscribers::Subscriber;
use crate::error::Error;
use crate::ports::{Delivery, DeliveryClaim, DeliveryLease, Settlement};
use crate::records::Claimant;

/// The number of sequence numbers of one run in one claim.
const MAX_WINDOW: usize = 64;
/// The most deliveries in one claim, for calls that take batches.
const MAX_CLAIM: usize = 512;
/// Renewals within the length of a lease: two may fail before a lease expires.
const RENEWALS_PER_LEASE: u32 = 3;
/// How long calls may take before the flush asks the store when the next refused delivery is due: the shortest backoff
/// that is usual.
const GRACE: Duration = Duration::from_secs(1);
/// The pause before a settlement is repeated while the store is unavailable.
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The deliveries of one subscriber.
pub(super) struct Flush<'a> {
    kernel: &'a Kernel,
    subscriber: &'a Arc<Subscriber>,
    worker_id: &'a str,
    budget: Arc<Budget>,
    /// Claimed deliveries that have no place yet: the events of one or more calls each.
    queued: VecDeque<Vec<Delivery>>,
    tasks: JoinSet<Finished>,
    /// The leases of all claimed deliveries that are not settled.
    held: HashMap<DeliveryLease, Arc<Hold>>,
    flushed: FlushOutboxOutput,
    /// The first error. The flush then claims nothing more.
    failure: Option<Error>,
}

/// When the flush claims again.
enum NextClaim {
    Now,
    /// On a change, or at this instant. Until `asked`, the instant is only a guess.
    OnChangeOrAt {
        due: Option<DateTime<Utc>>,
        asked: bool,
    },
}

impl<'a> Flush<'a> {
    /// Creates a flush of at most `limit` events.
    pub(super) fn new(
        kernel: &'a Kernel,
        subscriber: &'a Arc<Subscriber>,
        worker_id: &'a str,
        limit: usize,
    ) -> Self {
        Self {
            kernel,
            subscriber,
            worker_id,
            budget: Arc::new(Budget::new(limit)),
            queued: VecDeque::new(),
            tasks: JoinSet::new(),
            held: HashMap::new(),
            flushed: FlushOutboxOutput::default(),
            failure: None,
        }
    }

    /// Delivers until nothing is due or the limit is reached.
    pub(super) async fn run(mut self) -> Result<FlushOutboxOutput, Error> {
        let every = self.kernel.lease() / RENEWALS_PER_LEASE;
        let clock = Arc::clone(self.kernel.clock());
        let mut changes = self.kernel.store().hints().watch_changes();
        let mut next_claim = NextClaim::Now;
        let mut renewal = clock.now() + every;
        loop {
            if matches!(next_claim, NextClaim::Now) {
                // Marked before the claim, so that a change during the claim causes another one.
                changes.mark_unchanged();
                next_claim = self.claim_and_start().await;
                // Lets the new tasks run: calls that return at once need no timers.
                tokio::task::yield_now().await;
            }
            if self.held.is_empty() {
                return self.failure.map_or(Ok(self.flushed), Err);
            }
            let may_claim = self.may_claim();
            let wait = async {
                match (&next_claim, may_claim) {
                    (NextClaim::OnChangeOrAt { due, .. }, true) => wait(&*clock, &mut changes, *due).await,
                    _ => std::future::pending().await,
                }
            };
            // Not later than that, even if the clock was set back.
            renewal = renewal.min(clock.now() + every);
            tokio::select! {
                biased;
                Some(finished) = self.tasks.join_next() => {
                    self.record(finished.map_err(|error| Error::store_unavailable("deliver events", error))?).await;
                    next_claim = NextClaim::Now;
                }
                () = wait => next_claim = self.claim_or_ask(&next_claim).await,
                () = clock.sleep_until(renewal) => self.renew(every, &mut renewal).await,
            }
        }
    }

    fn may_claim(&self) -> bool {
        self.failure.is_none()
            && self.queued.is_empty()
            && self.tasks.len() < self.subscriber.policy.concurrency
            && self.budget.left() > 0
    }

    /// Fills the free places: with queued deliveries, then with due ones of the store.
    async fn claim_and_start(&mut self) -> NextClaim {
        let unclaimed =
            NextClaim::OnChangeOrAt { due: Some(self.kernel.clock().now() + GRACE), asked: false };
        loop {
            while self.tasks.len() < self.subscriber.policy.concurrency
                && let Some(deliveries) = self.queued.pop_front()
            {
                self.start(deliveries);
            }
            if !self.may_claim() {
                return unclaimed;
            }
            match self.claim().await {
                Ok(0) => return unclaimed,
                Ok(_) => {}
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// Claims again after a change or at the awaited instant. When that was only a guess and nothing was due, it asks the
    /// store for the next instant.
    async fn claim_or_ask(&mut self, waited: &NextClaim) -> NextClaim {
        let before = self.held.len();
        let next = self.claim_and_start().await;
        let is_due = |due: DateTime<Utc>| due <= self.kernel.clock().now();
        let NextClaim::OnChangeOrAt { due, asked } = waited else { return next };
        if self.held.len() > before || !asked && !due.is_some_and(is_due) {
            return next;
        }
        match self.kernel.store().next_delivery_due(self.subscriber.name()).await {
            // What is due now is held by another flusher at the end of its lease, or was added just now.
            Ok(Some(due)) => {
                NextClaim::OnChangeOrAt { due: Some(due.max(self.kernel.clock().now() + GRACE)), asked: true }
            }
            Ok(None) => NextClaim::OnChangeOrAt { due: None, asked: true },
            Err(error) => {
                self.failure = Some(error);
                next
            }
        }
    }

    /// Claims due deliveries and queues them. Returns their number.
    async fn claim(&mut self) -> Result<usize, Error> {
        let policy = &self.subscriber.policy;
        let (free, left) = (policy.concurrency - self.tasks.len(), self.budget.left());
        let lease = self.kernel.lease();
        let claim = DeliveryClaim {
            subscription: self.subscriber.subscription.clone(),
            claim: Claimant { worker_id: self.worker_id.to_owned(), lease, number: None },
            deliveries: free.saturating_mul(policy.max_batch).min(MAX_CLAIM).max(free).min(left),
            window: MAX_WINDOW.max(policy.max_batch).min(left),
        };
        let began = self.kernel.clock().monotonic();
        let deliveries = self.kernel.store().claim_deliveries(&claim).await?;
        let claimed = deliveries.len();
        for delivery in &deliveries {
            self.held.insert(delivery.lease.clone(), Arc::new(Hold::until(began, lease)));
        }
        self.queued.extend(delivery_task::in_batches(deliveries, policy.max_batch));
        Ok(claimed)
    }

    fn start(&mut self, deliveries: Vec<Delivery>) {
        let hold = |delivery: &Delivery| self.held.get(&delivery.lease).map(Arc::clone);
        let task = DeliveryTask {
            subscriber: Arc::clone(self.subscriber),
            clock: Arc::clone(self.kernel.clock()),
            budget: Arc::clone(&self.budget),
            holds: deliveries.iter().filter_map(hold).collect(),
            deliveries,
        };
        self.tasks.spawn(task.run());
    }

    /// Settles what has finished: this task, and those that have ended with it.
    async fn record(&mut self, finished: Finished) {
        let mut finished = vec![finished];
        while let Some(Ok(another)) = self.tasks.try_join_next() {
            finished.push(another);
        }
        let (mut settlements, mut expedite) = (Vec::new(), false);
        for Finished { settlements: settled, flushed, recovers } in finished {
            settlements.extend(settled);
            self.flushed.add(flushed);
            expedite |= recovers;
        }
        self.settle(settlements).await;
        if expedite && let Err(error) = self.kernel.store().expedite_deliveries(self.subscriber.name()).await
        {
            tracing::debug!(subscriber = self.subscriber.name(), %error, "refused deliveries wait for their next attempt");
            self.subscriber.recovery().missed();
        }
    }

    /// Settles, and repeats it while the store is unavailable and the leases hold: without a settlement the events would be
    /// delivered again.
    async fn settle(&mut self, settlements: Vec<Settlement>) {
        let clock = self.kernel.clock();
        let mut pause = MIN_PAUSE;
        loop {
            let Err(error) = self.kernel.store().settle_deliveries(settlements.clone()).await else { break };
            let holds = settlements.iter().filter_map(|settlement| self.held.get(&settlement.lease));
            if !error.is_retryable() || !holds.into_iter().any(|hold| hold.lasts(clock.monotonic())) {
                self.failure.get_or_insert(error);
                break;
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
        for settlement in &settlements {
            self.held.remove(&settlement.lease);
        }
    }

    /// Renews the leases.
    async fn renew(&mut self, every: Duration, renewal: &mut DateTime<Utc>) {
        let (began, lease) = (self.kernel.clock().monotonic(), self.kernel.lease());
        *renewal = self.kernel.clock().now() + every;
        let held: Vec<DeliveryLease> = self.held.keys().cloned().collect();
        match self.kernel.store().renew_deliveries(held, lease).await {
            Ok(lost) => {
                for lease in &lost {
                    if let Some(hold) = self.held.get(lease) {
                        hold.lose();
                    }
                }
                for (_, hold) in self.held.iter().filter(|(held, _)| !lost.contains(held)) {
                    hold.extend(began, lease);
                }
            }
            Err(error) => {
                tracing::debug!(subscriber = self.subscriber.name(), %error, "the leases of deliveries were not renewed");
            }
        }
    }
}

/// Waits for a change, or until the instant.
async fn wait(
    clock: &dyn crate::ports::Clock,
    changes: &mut watch::Receiver<u64>,
    due: Option<DateTime<Utc>>,
) {
    let due = async {
        match due {
            Some(due) => clock.sleep_until(due).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // Cannot fail: the store holds the sender.
        _ = changes.changed() => {}
        () = due => {}
    }
}
