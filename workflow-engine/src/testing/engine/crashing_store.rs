//! A store that simulates the death of its process at one of its commits.

mod catalog;
mod diagnosis;
mod indexes;
mod inspection;
mod ledger;
mod timers;
mod schedules;
mod signals;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::ports::{
    AnnotationFilter, Change, ClaimRequest, ClaimedWork, Clock, Commit, DeadLetterFilter, Decide, Decision,
    Delivery, DeliveryClaim, DeliveryLease, DeliveryStart, Hints, JobTransport, Outbox, Persistence, Purge,
    Registration, Retention, Settlement, Snapshot, Store, Subscription,
};
use crate::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, DeadLetter, DeadLetterPlace, Event, JobRecord, Lease,
    LogRecord, RunRecord, RunRequest, StageRecord, StoredValue, SubscriberRecord,
};
use crate::telemetry::SubscriberBacklog;
use crate::value::{Json, RunId, StageKey};

/// The moment of death, relative to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Nothing is written.
    Before,
    /// The commit is written, but its caller does not receive the result.
    After,
}

/// A store that passes every call on until its process dies at a commit. From then on every call fails.
pub(super) struct CrashingStore {
    inner: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    dies_at: Option<(usize, Moment)>,
    commits: AtomicUsize,
    /// What the commit of the crash writes.
    died_in: OnceLock<String>,
}

impl CrashingStore {
    /// Makes a store whose process dies at a commit, given by its 0-based number; with `None` it does not die.
    pub(super) fn new(
        inner: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        dies_at: Option<(usize, Moment)>,
    ) -> Self {
        Self { inner, clock, dies_at, commits: AtomicUsize::new(0), died_in: OnceLock::new() }
    }

    /// Returns the number of commits so far.
    pub(super) fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }

    /// Names the crash at the beginning of a message; empty without one.
    pub(super) fn describe(&self) -> String {
        let Some((at, moment)) = self.dies_at else { return String::new() };
        let moment = if moment == Moment::Before { "before" } else { "after" };
        let what = self.died_in.get().map_or("which was not reached", String::as_str);
        format!("with a crash {moment} commit {at} ({what}): ")
    }

    /// Executes a write, which counts as a commit and writes `what`.
    async fn write<T>(
        &self,
        what: impl FnOnce() -> String + Send,
        write: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        let Some((at, moment)) = self.dies_at else { return write.await };
        if number == at {
            _ = self.died_in.set(what());
        }
        if number > at || (number == at && moment == Moment::Before) {
            return Err(dead());
        }
        let result = write.await;
        if number == at { Err(dead()) } else { result }
    }

    fn alive(&self) -> Result<&dyn Store, Error> {
        let commits = self.commits();
        if self.dies_at.is_some_and(|(at, _)| commits > at) { Err(dead()) } else { Ok(&*self.inner) }
    }
}

/// Says in words what a decision writes.
fn describe_changes(decision: &Decision) -> String {
    let mut words: Vec<String> = Vec::new();
    for change in &decision.changes {
        let (what, stage_key) = match change {
            Change::CreateRun(_) => ("the creation of the run", None),
            Change::StartRun { .. } => ("the start of the run", None),
            Change::EndRun(_) => ("the end of the run", None),
            Change::ReleaseRun { .. } => ("an output of the run", None),
            Change::Claim { stage_key, .. } => ("the claim of", Some(stage_key)),
            Change::Complete { stage_key, .. } => ("the output of", Some(stage_key)),
            Change::Suspend { stage_key, .. } => ("the ticket of", Some(stage_key)),
            Change::Postpone { stage_key, .. } => ("the next check of", Some(stage_key)),
            Change::Retry { stage_key, .. } => ("a retry of", Some(stage_key)),
            Change::Fail { stage_key, .. } => ("the failure of", Some(stage_key)),
            Change::ReserveCall { stage_key, .. } => ("a call of a model by", Some(stage_key)),
            _ => continue,
        };
        words.push(stage_key.map_or_else(|| what.to_owned(), |stage_key| format!("{what} `{stage_key}`")));
    }
    if words.is_empty() { "log lines or other rows".to_owned() } else { words.join(", ") }
}

/// The error is not retryable, because a dead process does not retry.
fn dead() -> Error {
    Error::store_failed("continue", std::io::Error::other("this process is dead"))
}

#[async_trait]
impl Persistence for CrashingStore {
    async fn commit(&self, decision: Decision) -> Result<Commit, Error> {
        let what = describe_changes(&decision);
        self.write(|| what, self.inner.commit(decision)).await
    }

    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        self.write(|| "a decision under the run's lock".to_owned(), self.inner.commit_locked(run_id, decide))
            .await
    }

    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error> {
        self.alive()?.snapshot(run_id).await
    }

    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error> {
        self.alive()?.run(run_id).await
    }

    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error> {
        self.alive()?.request(run_id).await
    }

    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        self.alive()?.stages(run_id).await
    }

    async fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<StageRecord>, Error> {
        self.alive()?.stage(run_id, stage_key).await
    }

    async fn outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, StoredValue>, Error> {
        self.alive()?.outputs(run_id, stage_keys).await
    }

    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        self.alive()?.blob(key).await
    }

    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        self.alive()?.annotations(run_id, filter).await
    }

    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        self.alive()?.annotations_of_key(key, filter).await
    }

    async fn artifacts(
        &self,
        run_id: RunId,
        stage_key: Option<&StageKey>,
    ) -> Result<Vec<ArtifactRecord>, Error> {
        self.alive()?.artifacts(run_id, stage_key).await
    }

    async fn artifact(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error> {
        self.alive()?.artifact(run_id, stage_key, key).await
    }

    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.alive()?.events(run_id, after, limit).await
    }

    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error> {
        self.alive()?.logs(run_id, after, limit).await
    }

    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        self.alive()?.pending_runs(definitions, limit).await
    }

    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error> {
        self.alive()?.unfinished_runs(workflow_id).await
    }

    async fn stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.alive()?.stuck_runs(definitions, idle_for, limit).await
    }

    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.alive()?.unclaimed_runs(definitions, waiting_for, limit).await
    }

    fn hints(&self) -> &Arc<Hints> {
        self.inner.hints()
    }

    async fn close(&self) {}
}

#[async_trait]
impl JobTransport for CrashingStore {
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error> {
        // Only a claim that takes a job is a commit.
        match self.alive()?.next_job_due(&work.definitions).await? {
            Some(due) if due <= self.clock.now() => {
                self.write(|| "a claim of due work".to_owned(), self.inner.claim_work(work)).await
            }
            _ => self.inner.claim_work(work).await,
        }
    }

    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        self.alive()?.due_checks(definitions, limit).await
    }

    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error> {
        self.write(|| "a renewal of leases".to_owned(), self.inner.renew_leases(leases, lease)).await
    }

    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error> {
        self.alive()?.lost_leases(leases).await
    }

    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        self.alive()?.stale_jobs(dead_workers, limit).await
    }

    async fn lease_holders(&self) -> Result<Vec<String>, Error> {
        self.alive()?.lease_holders().await
    }

    async fn correct_instants(&self) -> Result<usize, Error> {
        self.alive()?.correct_instants().await
    }

    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        self.alive()?.next_job_due(definitions).await
    }

    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        self.alive()?.next_lease_end().await
    }
}

#[async_trait]
impl Outbox for CrashingStore {
    async fn register_subscriber(
        &self,
        subscription: &Subscription,
        start: DeliveryStart,
    ) -> Result<Registration, Error> {
        // Not a commit of a run: an engine registers its subscribers before it starts.
        self.alive()?.register_subscriber(subscription, start).await
    }

    async fn remove_subscriber(&self, name: &str) -> Result<bool, Error> {
        self.write(|| "the removal of a subscriber".to_owned(), self.inner.remove_subscriber(name)).await
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        self.alive()?.subscribers().await
    }

    async fn subscriber_backlogs(&self) -> Result<Vec<SubscriberBacklog>, Error> {
        self.alive()?.subscriber_backlogs().await
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        self.write(|| "a claim of deliveries".to_owned(), self.inner.claim_deliveries(claim)).await
    }

    async fn renew_deliveries(
        &self,
        leases: Vec<DeliveryLease>,
        lease: Duration,
    ) -> Result<Vec<DeliveryLease>, Error> {
        self.alive()?.renew_deliveries(leases, lease).await
    }

    async fn expedite_deliveries(&self, subscriber: &str) -> Result<usize, Error> {
        self.alive()?.expedite_deliveries(subscriber).await
    }

    async fn release_deliveries(&self, dead_workers: &[String]) -> Result<usize, Error> {
        self.alive()?.release_deliveries(dead_workers).await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        self.write(|| "the result of deliveries".to_owned(), self.inner.settle_deliveries(settlements)).await
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        self.alive()?.next_delivery_due(subscriber).await
    }

    async fn dead_letters(
        &self,
        subscriber: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        self.alive()?.dead_letters(subscriber, after, limit).await
    }

    async fn replay_dead_letters(&self, letters: &DeadLetterFilter, limit: usize) -> Result<usize, Error> {
        self.write(|| "a replay of dead letters".to_owned(), self.inner.replay_dead_letters(letters, limit))
            .await
    }
}

#[async_trait]
impl Retention for CrashingStore {
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error> {
        self.write(|| "a purge of runs".to_owned(), self.inner.purge_runs(purge)).await
    }

    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        self.alive()?.oldest_end().await
    }

    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        self.alive()?.purged_runs(limit).await
    }

    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error> {
        self.write(|| "the end of a purge".to_owned(), self.inner.forget_purged(runs)).await
    }
}
