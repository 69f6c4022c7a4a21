//! Injects a defect between a kernel and its store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tests::intercept::Interceptor;
use workflow_engine::ports::{
    Applied, Change, ClaimRequest, ClaimedWork, Commit, Decide, Decision, Delivery, DeliveryClaim,
    DeliveryOutcome, Precondition, Revision, Settlement, Snapshot, Store,
};
use workflow_engine::records::{Event, JobRecord, Lease, Status};
use workflow_engine::{Error, ErrorCode, RunId, StageKey};

use super::decisions::{cancels, shorten, split_off, times_out, with_defect};
use super::{Defect, Shared};

/// The defect of one process.
pub struct Defective {
    defect: Defect,
    shared: Arc<Shared>,
    /// The store without the faults of the process. A defect's own calls are not counted as writes of the step, so the
    /// test can find the defect only by its consequences.
    beside: Arc<dyn Store>,
}

impl Defective {
    /// Creates an interceptor with this defect.
    pub fn new(defect: Defect, shared: Arc<Shared>, beside: Arc<dyn Store>) -> Self {
        Self { defect, shared, beside }
    }

    /// Commits a part of a decision in a second transaction.
    async fn write_after(&self, store: &dyn Store, mut decision: Decision) -> Result<Commit, Error> {
        let run_id = decision.run_id;
        let later = split_off(self.defect, &mut decision);
        let mut commit = store.commit(decision).await?;
        if let Commit::Applied(applied) = &mut commit
            && !later.is_empty()
            && let Commit::Applied(second) = force(&*self.beside, bare(run_id, later)).await?
        {
            applied.claimed = second.claimed;
        }
        Ok(commit)
    }

    async fn key_after(&self, store: &dyn Store, mut decision: Decision) -> Result<Commit, Error> {
        let Some(entry) = decision.idempotency.take() else { return store.commit(decision).await };
        let never = Precondition::Revision(Revision { version: 0, last_sequence: 0 });
        let run_id = decision.run_id;
        let lookup = Decision {
            run_id,
            command: "test",
            precondition: never,
            idempotency: Some(entry.clone()),
            changes: Vec::new(),
        };
        if let Commit::Duplicate { .. } = self.beside.commit(lookup).await? {
            decision.idempotency = Some(entry);
            return store.commit(decision).await;
        }
        let commit = store.commit(decision).await?;
        if matches!(commit, Commit::Applied(_)) {
            let key = Decision { idempotency: Some(entry), ..bare(run_id, Vec::new()) };
            force(&*self.beside, key).await?;
        }
        Ok(commit)
    }

    /// Commits the run of a tick without regard to other processes, or before its schedule.
    async fn tick(&self, store: &dyn Store, mut decision: Decision) -> Result<Commit, Error> {
        let Precondition::Schedule { id, version } = &mut decision.precondition else {
            return store.commit(decision).await;
        };
        let moved = decision.changes.iter().position(|change| matches!(change, Change::MoveSchedule(_)));
        let Some(Change::MoveSchedule(mut record)) = moved.map(|at| decision.changes.remove(at)) else {
            return store.commit(decision).await;
        };
        if self.defect == Defect::TickUnguarded {
            *version = self.beside.schedule(id).await?.map_or(0, |stored| stored.version);
            record.version = *version + 1;
            decision.idempotency = None;
            decision.changes.push(Change::MoveSchedule(record));
            return store.commit(decision).await;
        }
        decision.precondition = Precondition::Absent;
        let commit = store.commit(decision).await?;
        self.beside.put_schedule(&record, Some(record.version - 1)).await?;
        Ok(commit)
    }

    /// Numbers the events of a commit from the newest one before the commit was requested.
    async fn assign_sequences(&self, run_id: RunId, newest: u64) -> Result<(), Error> {
        let now = self.newest(run_id).await?;
        let mut sequences = self.shared.sequences.lock().expect("a failed test stops");
        let assigned = sequences.entry(run_id).or_default();
        let new = now.saturating_sub(assigned.len() as u64);
        assigned.extend(newest + 1..=newest + new);
        Ok(())
    }

    async fn newest(&self, run_id: RunId) -> Result<u64, Error> {
        Ok(self.beside.run(run_id).await?.map_or(0, |run| run.last_sequence))
    }

    async fn has_running_job(&self, run_id: RunId, stage: &StageKey) -> Result<bool, Error> {
        let snapshot = self.beside.snapshot(run_id).await?;
        let mut jobs = snapshot.into_iter().flat_map(|snapshot| snapshot.jobs);
        Ok(jobs.any(|job| job.key() == *stage && job.status == Status::Running))
    }

    /// Returns the newest lease on the job.
    async fn newest_lease(&self, lease: Lease) -> Result<Lease, Error> {
        let snapshot = self.beside.snapshot(lease.run_id).await?;
        let mut jobs = snapshot.into_iter().flat_map(|snapshot| snapshot.jobs);
        let job = jobs.find(|job| job.key() == lease.stage_key);
        Ok(match job {
            Some(job) => Lease { generation: job.generation, epoch: job.lease_epoch, ..lease },
            None => lease,
        })
    }
}

/// Creates a decision for [`force`].
fn bare(run_id: RunId, changes: Vec<Change>) -> Decision {
    Decision { run_id, command: "test", precondition: Precondition::Absent, idempotency: None, changes }
}

/// Commits a decision without regard to the state of its run.
async fn force(store: &dyn Store, decision: Decision) -> Result<Commit, Error> {
    let run_id = decision.run_id;
    let decide = move |snapshot: Option<&Snapshot>| {
        let run = &snapshot?.run;
        let revision = Revision { version: run.version, last_sequence: run.last_sequence };
        Some(Decision { precondition: Precondition::Revision(revision), ..decision })
    };
    store.commit_locked(run_id, Box::new(decide)).await
}

#[async_trait]
impl Interceptor for Defective {
    async fn commit(&self, store: &dyn Store, decision: Decision) -> Result<Commit, Error> {
        let mut decision = with_defect(self.defect, decision);
        match (self.defect, &decision.precondition) {
            (Defect::NoFence, Precondition::Lease(_)) => force(store, decision).await,
            (Defect::CancelUnguarded, _) if cancels(&decision) => force(store, decision).await,
            (Defect::TimeOutBeatsSignal, _) if times_out(&decision) => force(store, decision).await,
            (Defect::DeadlineUnguarded, _) if decision.command == "run.failOverdue" => {
                force(store, decision).await
            }
            (Defect::TwoSignalsWin, _) => match store.commit(decision).await {
                Err(error) if error.code() == ErrorCode::SignalTooLate => {
                    Ok(Commit::Applied(Applied::default()))
                }
                commit => commit,
            },
            (Defect::TickUnguarded | Defect::TickMovesLater, Precondition::Schedule { .. }) => {
                self.tick(store, decision).await
            }
            (Defect::EnqueueAfterCommit | Defect::ChildStartsLater, _) => {
                self.write_after(store, decision).await
            }
            (Defect::KeyInSecondTransaction, _) => self.key_after(store, decision).await,
            (Defect::SequenceFromDecide, _) => {
                let run_id = decision.run_id;
                let newest = self.newest(run_id).await?;
                let commit = store.commit(decision).await;
                self.assign_sequences(run_id, newest).await?;
                commit
            }
            (Defect::WakeDuringCheckIsLost, _) => {
                if let [Change::Wake { stage_key }] = &decision.changes[..]
                    && self.has_running_job(decision.run_id, stage_key).await?
                {
                    decision.changes.clear();
                }
                store.commit(decision).await
            }
            (Defect::RerunForgetsSiblings, _) => {
                if let Some(Change::Rerun { stages, .. }) = decision.changes.first_mut() {
                    let snapshot = self.beside.snapshot(decision.run_id).await?;
                    let is_cancelled = |stage: &StageKey| {
                        let mut rows = snapshot.iter().flat_map(|snapshot| &snapshot.stages);
                        rows.any(|row| row.key() == *stage && row.status == Status::Cancelled)
                    };
                    stages.retain(|stage| !is_cancelled(&stage.stage_key));
                }
                store.commit(decision).await
            }
            _ => store.commit(decision).await,
        }
    }

    async fn commit_locked(&self, store: &dyn Store, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        let newest = self.newest(run_id).await?;
        let defect = self.defect;
        let decide = move |snapshot: Option<&Snapshot>| Some(with_defect(defect, decide(snapshot)?));
        let commit = store.commit_locked(run_id, Box::new(decide)).await;
        self.assign_sequences(run_id, newest).await?;
        commit
    }

    async fn claim_work(&self, store: &dyn Store, mut work: ClaimRequest) -> Result<ClaimedWork, Error> {
        if self.defect == Defect::AppClockLease {
            shorten(&mut work.claim);
        }
        let claimed = store.claim_work(work).await;
        if self.defect == Defect::SequenceFromDecide {
            // The store itself decides about claims, and numbers their events under its lock.
            for (run_id, newest) in self.shared.counts() {
                self.assign_sequences(run_id, newest).await?;
            }
        }
        claimed
    }

    async fn renew_leases(
        &self,
        store: &dyn Store,
        mut leases: Vec<Lease>,
        lease: Duration,
    ) -> Result<Vec<Lease>, Error> {
        if self.defect != Defect::HeartbeatForOthers {
            return store.renew_leases(leases, lease).await;
        }
        for held in &mut leases {
            *held = self.newest_lease(held.clone()).await?;
        }
        store.renew_leases(leases, lease).await
    }

    async fn stale_jobs(
        &self,
        store: &dyn Store,
        dead_workers: &[String],
        limit: usize,
    ) -> Result<Vec<JobRecord>, Error> {
        if self.defect != Defect::UnknownIsDead {
            return store.stale_jobs(dead_workers, limit).await;
        }
        store.stale_jobs(&self.beside.lease_holders().await?, limit).await
    }

    async fn claim_deliveries(
        &self,
        store: &dyn Store,
        claim: &DeliveryClaim,
    ) -> Result<Vec<Delivery>, Error> {
        let mut claim = claim.clone();
        if self.defect == Defect::FlushWithoutLease {
            claim.claim.lease = Duration::ZERO;
        }
        let deliveries = store.claim_deliveries(&claim).await?;
        if self.defect == Defect::MarkedBeforeDelivery {
            let mark = |delivery: &Delivery| Settlement {
                lease: delivery.lease.clone(),
                outcome: DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence },
            };
            self.beside.settle_deliveries(deliveries.iter().map(mark).collect()).await?;
        }
        Ok(deliveries)
    }

    async fn events(
        &self,
        store: &dyn Store,
        run_id: RunId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let mut events = store.events(run_id, after, limit).await?;
        if self.defect == Defect::SequenceFromDecide {
            let sequences = self.shared.sequences.lock().expect("a failed test stops");
            let assigned = sequences.get(&run_id).into_iter().flatten();
            events.iter_mut().zip(assigned).for_each(|(event, sequence)| event.sequence = *sequence);
        }
        Ok(events)
    }
}
