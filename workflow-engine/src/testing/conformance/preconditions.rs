//! Cases about each precondition: when it holds and when not. A decision whose precondition fails writes nothing (G4).

use std::time::Duration;

use super::fixture::{Fixture, LEASE, cancel_run, claim, complete, decision, held, stale};
use crate::ports::{Change, Clock, Commit, Precondition, Revision};
use crate::records::{ClaimedJob, Lease, Status};
use crate::value::RunId;

cases![
    a_job_is_claimable_when_it_is_due,
    a_job_is_not_claimable_before_it_is_due,
    a_running_job_is_not_claimable,
    a_job_of_another_generation_is_not_claimable,
    a_stage_without_a_job_is_not_claimable,
    a_job_of_a_terminal_run_is_not_claimable,
    a_lease_of_an_older_epoch_does_not_hold,
    a_lease_of_a_newer_epoch_does_not_hold,
    a_lease_of_another_generation_does_not_hold,
    a_lease_of_another_run_does_not_hold,
    a_lease_on_a_completed_stage_does_not_hold,
    a_returned_lease_does_not_hold,
    an_expired_lease_holds_until_another_worker_claims,
    a_lease_and_a_revision_hold_only_together,
    the_expiry_of_a_lease_holds_only_after_its_end,
    the_expiry_of_a_lease_and_a_revision_hold_only_together,
    a_revision_does_not_hold_after_a_sibling_has_changed_the_run,
];

/// A change that any precondition may carry, and whose event shows whether it was applied.
fn progress() -> Vec<Change> {
    vec![Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "half".into() }]
}

/// Commits under a precondition, checks that the run changes only if it holds, and returns whether it does.
async fn holds(fixture: &Fixture, run_id: RunId, precondition: Precondition) -> bool {
    let before = fixture.snapshot(run_id).await;
    let commit = fixture.commit(decision(run_id, precondition, progress())).await;
    let after = fixture.snapshot(run_id).await;
    if commit == Commit::PreconditionFailed {
        assert_eq!(before, after, "a failed precondition writes nothing");
    } else {
        assert_eq!(after.run.last_sequence, before.run.last_sequence + 1);
    }
    commit != Commit::PreconditionFailed
}

fn claimable(generation: u32) -> Precondition {
    Precondition::Claimable { stage_key: "a".into(), generation }
}

async fn retry_in(fixture: &Fixture, job: &ClaimedJob, delay: Duration) {
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay };
    fixture.apply(held(job, vec![retry])).await;
}

async fn a_job_is_claimable_when_it_is_due(fixture: Fixture) {
    let run_id = fixture.single().await;
    assert!(holds(&fixture, run_id, claimable(1)).await);
}

async fn a_job_is_not_claimable_before_it_is_due(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    retry_in(&fixture, &job, Duration::from_secs(10)).await;
    fixture.clock.advance(Duration::from_micros(9_999_999));
    assert!(!holds(&fixture, run_id, claimable(1)).await);
    fixture.clock.advance(Duration::from_micros(1));
    assert!(holds(&fixture, run_id, claimable(1)).await);
}

async fn a_running_job_is_not_claimable(fixture: Fixture) {
    let (run_id, _) = fixture.running().await;
    assert!(!holds(&fixture, run_id, claimable(1)).await);
}

async fn a_job_of_another_generation_is_not_claimable(fixture: Fixture) {
    let run_id = fixture.single().await;
    assert!(!holds(&fixture, run_id, claimable(2)).await);
}

async fn a_stage_without_a_job_is_not_claimable(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let precondition = Precondition::Claimable { stage_key: "d".into(), generation: 1 };
    assert!(!holds(&fixture, run_id, precondition).await);
    let precondition = Precondition::Claimable { stage_key: "unknown".into(), generation: 1 };
    assert!(!holds(&fixture, run_id, precondition).await);
}

/// A failed run that kept its queued jobs would let them run against the next generation (trap 12).
async fn a_job_of_a_terminal_run_is_not_claimable(fixture: Fixture) {
    let run_id = fixture.single().await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    // The job is left behind on purpose: a command that ends a run also cancels its stages.
    fixture.apply(decision(run_id, precondition, vec![cancel_run()])).await;
    assert!(!holds(&fixture, run_id, claimable(1)).await);
    assert!(fixture.claim_up_to("worker", 10).await.is_empty());
    assert_eq!(fixture.store.next_job_due(&super::fixture::definitions()).await.unwrap(), None);
}

async fn a_lease_of_an_older_epoch_does_not_hold(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert!(holds(&fixture, run_id, Precondition::Lease(job.lease.clone())).await);
    assert!(!holds(&fixture, run_id, Precondition::Lease(stale(&job))).await);
}

async fn a_lease_of_a_newer_epoch_does_not_hold(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let newer = Lease { epoch: job.lease.epoch + 1, ..job.lease };
    assert!(!holds(&fixture, run_id, Precondition::Lease(newer)).await);
}

async fn a_lease_of_another_generation_does_not_hold(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let other = Lease { generation: 2, ..job.lease };
    assert!(!holds(&fixture, run_id, Precondition::Lease(other)).await);
}

async fn a_lease_of_another_run_does_not_hold(fixture: Fixture) {
    let (_, other) = fixture.running().await;
    let (run_id, _) = fixture.running().await;
    assert!(!holds(&fixture, run_id, Precondition::Lease(other.lease)).await);
}

/// A stage is completed already when its outcome arrives a second time (trap 3, trap 6).
async fn a_lease_on_a_completed_stage_does_not_hold(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let job = fixture.claim("worker").await;
    fixture.complete(&job, &["b", "c"]).await;
    let before = fixture.snapshot(run_id).await;
    assert_eq!(fixture.complete(&job, &["b", "c"]).await, Commit::PreconditionFailed);
    assert_eq!(fixture.snapshot(run_id).await, before);
}

async fn a_returned_lease_does_not_hold(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.apply(held(&job, vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }])).await;
    assert!(!holds(&fixture, run_id, Precondition::Lease(job.lease)).await);
}

/// A slow worker may still commit until another worker has claimed its job.
async fn an_expired_lease_holds_until_another_worker_claims(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.clock.advance(LEASE * 10);
    assert!(holds(&fixture, run_id, Precondition::Lease(job.lease.clone())).await);
    let back = Change::Retry { stage_key: "a".into(), error: "lease lost".into(), delay: Duration::ZERO };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(job.lease.clone()), vec![back])).await;
    let other = fixture.claim("other").await;
    assert!(!holds(&fixture, run_id, Precondition::Lease(job.lease)).await);
    assert!(holds(&fixture, run_id, Precondition::Lease(other.lease)).await);
}

async fn a_lease_and_a_revision_hold_only_together(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let now = fixture.revision(run_id).await;
    let older = Revision { version: now.version - 1, ..now };
    assert!(!holds(&fixture, run_id, Precondition::LeaseAndRevision(stale(&job), now)).await);
    assert!(!holds(&fixture, run_id, Precondition::LeaseAndRevision(job.lease.clone(), older)).await);
    assert!(holds(&fixture, run_id, Precondition::LeaseAndRevision(job.lease.clone(), now)).await);
    assert!(
        !holds(&fixture, run_id, Precondition::LeaseAndRevision(job.lease, now)).await,
        "the event changed the revision"
    );
}

async fn the_expiry_of_a_lease_holds_only_after_its_end(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let expired = || Precondition::ExpiredLease(job.lease.clone());
    fixture.clock.advance(LEASE.checked_sub(Duration::from_micros(1)).unwrap());
    assert!(!holds(&fixture, run_id, expired()).await);
    fixture.clock.advance(Duration::from_micros(1));
    assert!(!holds(&fixture, run_id, Precondition::ExpiredLease(stale(&job))).await);
    assert!(holds(&fixture, run_id, expired()).await);
}

async fn the_expiry_of_a_lease_and_a_revision_hold_only_together(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let now = fixture.revision(run_id).await;
    let precondition = |revision| Precondition::ExpiredLeaseAndRevision(job.lease.clone(), revision);
    assert!(!holds(&fixture, run_id, precondition(now)).await);
    fixture.clock.advance(LEASE);
    let older = Revision { last_sequence: now.last_sequence - 1, ..now };
    assert!(!holds(&fixture, run_id, precondition(older)).await);
    assert!(holds(&fixture, run_id, precondition(now)).await);
}

async fn a_revision_does_not_hold_after_a_sibling_has_changed_the_run(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    let decided_from = fixture.revision(run_id).await;
    let job = fixture.claim("worker").await;
    fixture.commit(held(&job, vec![complete(&job.lease.stage_key)])).await;
    assert!(!holds(&fixture, run_id, Precondition::Revision(decided_from)).await);
    let claim = Change::Claim { stage_key: "b".into(), claim: claim("worker") };
    let precondition = Precondition::Claimable { stage_key: "b".into(), generation: 1 };
    fixture.apply(decision(run_id, precondition, vec![claim])).await;
    let stage = fixture.stage(run_id, "b").await;
    assert_eq!((stage.status, stage.started_at), (Status::Running, Some(fixture.clock.now())));
}
