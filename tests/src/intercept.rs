//! A store behind an interceptor, which observes every call and may replace or fail it.

mod ended;
mod catalog;
mod diagnosis;
mod indexes;
mod inspection;
mod ledger;
mod timers;
mod schedules;
mod signals;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflow_engine::ports::{
    ClaimRequest, ClaimedWork, Commit, DeadLetterFilter, Decide, Decision, Delivery, DeliveryClaim,
    DeliveryLease, DeliveryStart, Hints, JobTransport, Outbox, Persistence, Purge, Registration, Retention,
    Settlement, Snapshot, Store, Subscription,
};
use workflow_engine::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, DeadLetter, DeadLetterPlace, Event, JobRecord, Lease,
    LogRecord, RunRecord, RunRequest, StageRecord, StoredValue, SubscriberRecord,
};
use workflow_engine::telemetry::SubscriberBacklog;
use workflow_engine::{AnnotationFilter, Error, Json, RunId, StageKey};

/// A call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the method.
    pub method: &'static str,
    /// Whether the method writes.
    pub writes: bool,
}

/// The hooks of an interceptor. By default every call is passed on to the store.
#[async_trait]
pub trait Interceptor: Send + Sync {
    /// Runs before each call, and returns a token for `after`. An error fails the call, and the store is not called.
    async fn before(&self, _call: Call) -> Result<u64, Error> {
        Ok(0)
    }

    /// Runs after each call that the store has executed. An error fails the call, although the store has executed it.
    async fn after(&self, _call: Call, _token: u64) -> Result<(), Error> {
        Ok(())
    }

    /// Runs when a call that `before` has accepted ends: with a result, with an error, or because its caller stops waiting.
    fn ended(&self, _call: Call) {}

    /// Replaces the method of the store.
    async fn commit(&self, store: &dyn Store, decision: Decision) -> Result<Commit, Error> {
        store.commit(decision).await
    }

    /// Replaces the method of the store.
    async fn commit_locked(&self, store: &dyn Store, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        store.commit_locked(run_id, decide).await
    }

    /// Replaces the method of the store.
    async fn events(
        &self,
        store: &dyn Store,
        run_id: RunId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        store.events(run_id, after, limit).await
    }

    /// Replaces the method of the store.
    async fn claim_work(&self, store: &dyn Store, work: ClaimRequest) -> Result<ClaimedWork, Error> {
        store.claim_work(work).await
    }

    /// Replaces the method of the store.
    async fn renew_leases(
        &self,
        store: &dyn Store,
        leases: Vec<Lease>,
        lease: Duration,
    ) -> Result<Vec<Lease>, Error> {
        store.renew_leases(leases, lease).await
    }

    /// Replaces the method of the store.
    async fn stale_jobs(
        &self,
        store: &dyn Store,
        dead_workers: &[String],
        limit: usize,
    ) -> Result<Vec<JobRecord>, Error> {
        store.stale_jobs(dead_workers, limit).await
    }

    /// Replaces the method of the store.
    async fn claim_deliveries(
        &self,
        store: &dyn Store,
        claim: &DeliveryClaim,
    ) -> Result<Vec<Delivery>, Error> {
        store.claim_deliveries(claim).await
    }
}

/// A store behind an interceptor.
pub struct Intercepted<I> {
    store: Arc<dyn Store>,
    interceptor: Arc<I>,
}

impl<I: Interceptor> Intercepted<I> {
    /// Puts `interceptor` in front of `store`.
    pub fn new(store: Arc<dyn Store>, interceptor: Arc<I>) -> Self {
        Self { store, interceptor }
    }

    async fn read<T>(
        &self,
        method: &'static str,
        result: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.call(Call { method, writes: false }, result).await
    }

    async fn write<T>(
        &self,
        method: &'static str,
        result: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.call(Call { method, writes: true }, result).await
    }

    async fn call<T>(
        &self,
        call: Call,
        result: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let token = self.interceptor.before(call).await?;
        let _ended = ended::Ended { interceptor: &*self.interceptor, call };
        let result = result.await?;
        self.interceptor.after(call, token).await?;
        Ok(result)
    }
}

#[async_trait]
impl<I: Interceptor> Persistence for Intercepted<I> {
    async fn commit(&self, decision: Decision) -> Result<Commit, Error> {
        self.write("commit", self.interceptor.commit(&*self.store, decision)).await
    }

    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        self.write("commit_locked", self.interceptor.commit_locked(&*self.store, run_id, decide)).await
    }

    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error> {
        self.read("snapshot", self.store.snapshot(run_id)).await
    }

    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error> {
        self.read("run", self.store.run(run_id)).await
    }

    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error> {
        self.read("request", self.store.request(run_id)).await
    }

    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        self.read("stages", self.store.stages(run_id)).await
    }

    async fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<StageRecord>, Error> {
        self.read("stage", self.store.stage(run_id, stage_key)).await
    }

    async fn outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, StoredValue>, Error> {
        self.read("outputs", self.store.outputs(run_id, stage_keys)).await
    }

    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        self.read("blob", self.store.blob(key)).await
    }

    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.read("events", self.interceptor.events(&*self.store, run_id, after, limit)).await
    }

    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error> {
        self.read("logs", self.store.logs(run_id, after, limit)).await
    }

    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        self.read("pending_runs", self.store.pending_runs(definitions, limit)).await
    }

    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error> {
        self.read("unfinished_runs", self.store.unfinished_runs(workflow_id)).await
    }

    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        self.read("annotations", self.store.annotations(run_id, filter)).await
    }

    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        self.read("annotations_of_key", self.store.annotations_of_key(key, filter)).await
    }

    async fn artifacts(
        &self,
        run_id: RunId,
        stage_key: Option<&StageKey>,
    ) -> Result<Vec<ArtifactRecord>, Error> {
        self.read("artifacts", self.store.artifacts(run_id, stage_key)).await
    }

    async fn artifact(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error> {
        self.read("artifact", self.store.artifact(run_id, stage_key, key)).await
    }

    async fn stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read("stuck_runs", self.store.stuck_runs(definitions, idle_for, limit)).await
    }

    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read("unclaimed_runs", self.store.unclaimed_runs(definitions, waiting_for, limit)).await
    }

    fn hints(&self) -> &Arc<Hints> {
        self.store.hints()
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
impl<I: Interceptor> JobTransport for Intercepted<I> {
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error> {
        self.write("claim_work", self.interceptor.claim_work(&*self.store, work)).await
    }

    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        self.read("due_checks", self.store.due_checks(definitions, limit)).await
    }

    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error> {
        self.write("renew_leases", self.interceptor.renew_leases(&*self.store, leases, lease)).await
    }

    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error> {
        self.read("lost_leases", self.store.lost_leases(leases)).await
    }

    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        self.read("stale_jobs", self.interceptor.stale_jobs(&*self.store, dead_workers, limit)).await
    }

    async fn lease_holders(&self) -> Result<Vec<String>, Error> {
        self.read("lease_holders", self.store.lease_holders()).await
    }

    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        self.read("next_job_due", self.store.next_job_due(definitions)).await
    }

    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        self.read("next_lease_end", self.store.next_lease_end()).await
    }

    async fn correct_instants(&self) -> Result<usize, Error> {
        self.read("correct_instants", self.store.correct_instants()).await
    }
}

#[async_trait]
impl<I: Interceptor> Outbox for Intercepted<I> {
    async fn register_subscriber(
        &self,
        subscription: &Subscription,
        start: DeliveryStart,
    ) -> Result<Registration, Error> {
        self.write("register_subscriber", self.store.register_subscriber(subscription, start)).await
    }

    async fn remove_subscriber(&self, name: &str) -> Result<bool, Error> {
        self.write("remove_subscriber", self.store.remove_subscriber(name)).await
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        self.read("subscribers", self.store.subscribers()).await
    }

    async fn subscriber_backlogs(&self) -> Result<Vec<SubscriberBacklog>, Error> {
        self.read("subscriber_backlogs", self.store.subscriber_backlogs()).await
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        self.write("claim_deliveries", self.interceptor.claim_deliveries(&*self.store, claim)).await
    }

    async fn renew_deliveries(
        &self,
        leases: Vec<DeliveryLease>,
        lease: Duration,
    ) -> Result<Vec<DeliveryLease>, Error> {
        self.write("renew_deliveries", self.store.renew_deliveries(leases, lease)).await
    }

    async fn expedite_deliveries(&self, subscriber: &str) -> Result<usize, Error> {
        self.write("expedite_deliveries", self.store.expedite_deliveries(subscriber)).await
    }

    async fn release_deliveries(&self, dead_workers: &[String]) -> Result<usize, Error> {
        self.write("release_deliveries", self.store.release_deliveries(dead_workers)).await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        self.write("settle_deliveries", self.store.settle_deliveries(settlements)).await
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        self.read("next_delivery_due", self.store.next_delivery_due(subscriber)).await
    }

    async fn dead_letters(
        &self,
        subscriber: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        self.read("dead_letters", self.store.dead_letters(subscriber, after, limit)).await
    }

    async fn replay_dead_letters(&self, letters: &DeadLetterFilter, limit: usize) -> Result<usize, Error> {
        self.write("replay_dead_letters", self.store.replay_dead_letters(letters, limit)).await
    }
}

#[async_trait]
impl<I: Interceptor> Retention for Intercepted<I> {
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error> {
        self.write("purge_runs", self.store.purge_runs(purge)).await
    }

    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        self.read("oldest_end", self.store.oldest_end()).await
    }

    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        self.read("purged_runs", self.store.purged_runs(limit)).await
    }

    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error> {
        self.write("forget_purged", self.store.forget_purged(runs)).await
    }
}
