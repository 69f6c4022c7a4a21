//! Cases about heartbeats, and about the jobs of workers without a heartbeat.

use std::time::Duration;

use super::fixture::{ATTEMPTS, Fixture, LEASE, claim, complete, decision, definitions, held, stale};
use crate::ports::{Change, Clock, Commit, Precondition};
use crate::records::{Lease, Status, StoredValue};
use crate::value::Json;

cases![
    a_heartbeat_extends_the_lease,
    an_extended_lease_has_not_expired,
    a_heartbeat_reports_lost_leases,
    a_heartbeat_without_leases_does_nothing,
    a_heartbeat_does_not_extend_the_lease_of_another_worker,
    jobs_with_expired_leases_are_stale,
    an_expired_job_goes_to_another_worker,
    jobs_of_dead_workers_are_stale_immediately,
    a_crash_uses_up_no_attempt,
    returning_a_job_does_not_count_the_attempt,
    lease_holders_are_listed,
    the_next_lease_to_end_is_the_earliest,
    the_next_job_to_be_due_is_the_earliest,
    nothing_is_due_in_an_idle_store,
    a_job_of_another_definition_is_not_due,
    the_due_instant_of_a_ready_job_has_passed,
];

async fn a_heartbeat_extends_the_lease(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.clock.advance(LEASE / 2);
    let lost = fixture.store.renew_leases(vec![job.lease.clone()], LEASE).await.unwrap();
    assert!(lost.is_empty());
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!(record.leased_until, Some(fixture.clock.now() + LEASE));
    assert_eq!(record.lease_epoch, job.lease.epoch, "a heartbeat is not a claim");
    fixture.clock.advance(LEASE.checked_sub(Duration::from_micros(1)).unwrap());
    assert!(fixture.store.stale_jobs(&[], 10).await.unwrap().is_empty());
}

/// A store that caches committed rows must also see heartbeats, which are not decisions.
async fn an_extended_lease_has_not_expired(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.clock.advance(LEASE / 2);
    assert!(fixture.store.renew_leases(vec![job.lease.clone()], LEASE).await.unwrap().is_empty());
    fixture.clock.advance(LEASE / 2);
    let reap = || {
        let back = Change::Retry { stage_key: "a".into(), error: "lost".into(), delay: Duration::ZERO };
        decision(run_id, Precondition::ExpiredLease(job.lease.clone()), vec![back])
    };
    assert_eq!(
        fixture.store.commit(reap()).await.unwrap(),
        Commit::PreconditionFailed,
        "half of the lease is left"
    );
    fixture.clock.advance(LEASE);
    assert!(matches!(fixture.store.commit(reap()).await.unwrap(), Commit::Applied(_)));
}

async fn a_heartbeat_reports_lost_leases(fixture: Fixture) {
    let (_, kept) = fixture.running().await;
    let (_, completed) = fixture.running().await;
    let (_, retried) = fixture.running().await;
    fixture.complete_run(&completed).await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO };
    fixture.apply(held(&retried, vec![retry])).await;
    let unknown = Lease { run_id: crate::RunId::generate(), ..kept.lease.clone() };
    let other_generation = Lease { generation: 2, ..kept.lease.clone() };
    let leases = vec![
        completed.lease.clone(),
        kept.lease.clone(),
        retried.lease.clone(),
        stale(&kept),
        unknown.clone(),
        other_generation.clone(),
    ];
    let until = fixture.job(kept.lease.run_id, "a").await.unwrap().leased_until;
    fixture.clock.advance(Duration::from_secs(1));
    let reported = fixture.store.lost_leases(leases.clone()).await.unwrap();
    let now = fixture.job(kept.lease.run_id, "a").await.unwrap().leased_until;
    assert_eq!(now, until, "a query extends no lease");
    let lost = fixture.store.renew_leases(leases, LEASE).await.unwrap();
    assert_eq!(lost, reported);
    assert_eq!(lost, [completed.lease, retried.lease, stale(&kept), unknown, other_generation]);
}

async fn a_heartbeat_without_leases_does_nothing(fixture: Fixture) {
    assert!(fixture.store.renew_leases(Vec::new(), LEASE).await.unwrap().is_empty());
    assert!(fixture.store.lost_leases(Vec::new()).await.unwrap().is_empty());
}

/// A heartbeat that ignored the lease's epoch would extend the lease of another worker (trap 5).
async fn a_heartbeat_does_not_extend_the_lease_of_another_worker(fixture: Fixture) {
    let (run_id, first) = fixture.running().await;
    fixture.clock.advance(LEASE);
    let back = Change::Retry { stage_key: "a".into(), error: "lost".into(), delay: Duration::ZERO };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(first.lease.clone()), vec![back])).await;
    fixture.claim("other").await;
    let until = fixture.job(run_id, "a").await.unwrap().leased_until;
    fixture.clock.advance(LEASE / 2);
    let lost = fixture.store.renew_leases(vec![first.lease.clone()], LEASE).await.unwrap();
    assert_eq!(lost, [first.lease]);
    assert_eq!(fixture.job(run_id, "a").await.unwrap().leased_until, until);
}

async fn jobs_with_expired_leases_are_stale(fixture: Fixture) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(fixture.running().await.0);
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture.clock.advance(LEASE.checked_sub(Duration::from_secs(2)).unwrap());
    let expired = fixture.store.stale_jobs(&[], 10).await.unwrap();
    let order: Vec<_> = expired.iter().map(|job| job.run_id).collect();
    assert_eq!(order, runs[..2], "the oldest comes first, and the third lease has a second left");
    assert_eq!(expired[0].worker_id.as_deref(), Some("worker"));
    assert_eq!(fixture.store.stale_jobs(&[], 1).await.unwrap(), expired[..1]);
}

async fn jobs_of_dead_workers_are_stale_immediately(fixture: Fixture) {
    fixture.single().await;
    fixture.claim("dead").await;
    fixture.single().await;
    fixture.claim("living").await;
    let stale = fixture.store.stale_jobs(&["dead".to_owned(), "unknown".to_owned()], 10).await.unwrap();
    let workers: Vec<_> = stale.iter().map(|job| job.worker_id.as_deref()).collect();
    assert_eq!(workers, [Some("dead")]);
}

/// A crash raises the number of the last attempt, so the attempts of the policy remain. A wait forgets both counts.
async fn a_crash_uses_up_no_attempt(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert_eq!((job.attempt, job.max_attempts, job.crashes), (1, ATTEMPTS, 0));
    let crash = || Change::RecordCrash { stage_key: "a".into(), error: "lost".into() };
    fixture.apply(held(&job, vec![crash()])).await;
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.status, record.run_at, record.worker_id), (Status::Pending, fixture.clock.now(), None));
    assert_eq!((record.attempt, record.max_attempts), (1, ATTEMPTS + 1));
    assert_eq!((record.crashes, record.max_crashes), (1, 3));
    assert_eq!(fixture.event_names(run_id).await.last(), Some(&"stage:retrying"));

    let job = fixture.claim("other").await;
    assert_eq!((job.attempt, job.max_attempts, job.crashes), (2, ATTEMPTS + 1, 1));
    let suspend = Change::Suspend {
        stage_key: "a".into(),
        ticket: StoredValue::Inline(Json::encode("ticket").unwrap()),
        check_after: Duration::ZERO,
        give_up_after: LEASE,
        awaits_signal: false,
    };
    fixture.apply(held(&job, vec![suspend])).await;
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.attempt, record.max_attempts, record.crashes), (0, ATTEMPTS, 0));

    let check = fixture.claim("other").await;
    fixture.apply(held(&check, vec![crash()])).await;
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.status, record.attempt, record.crashes), (Status::Suspended, 1, 1));
}

async fn returning_a_job_does_not_count_the_attempt(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let applied = fixture.apply(held(&job, vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }])).await;
    assert_eq!(applied.ready.len(), 1);
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.status, record.attempt, record.worker_id), (Status::Pending, 0, None));
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0));
    assert_eq!(fixture.claim("other").await.attempt, 1);
}

async fn lease_holders_are_listed(fixture: Fixture) {
    for worker in ["first", "second", "first"] {
        fixture.single().await;
        fixture.claim(worker).await;
    }
    let mut holders = fixture.store.lease_holders().await.unwrap();
    holders.sort_unstable();
    assert_eq!(holders, ["first", "second"]);
}

async fn the_next_lease_to_end_is_the_earliest(fixture: Fixture) {
    let now = fixture.clock.now();
    let (_, job) = fixture.running().await;
    fixture.clock.advance(Duration::from_secs(1));
    fixture.running().await;
    assert_eq!(fixture.store.next_lease_end().await.unwrap(), Some(now + LEASE));
    fixture.complete_run(&job).await;
    let later = now + LEASE + Duration::from_secs(1);
    assert_eq!(fixture.store.next_lease_end().await.unwrap(), Some(later));
}

/// Follows a job whose worker died (G5), and the late commit of that worker (trap 6).
async fn an_expired_job_goes_to_another_worker(fixture: Fixture) {
    let (run_id, dead) = fixture.running().await;
    fixture.clock.advance(LEASE);
    let expired = fixture.store.stale_jobs(&[], 10).await.unwrap();
    let lease = Lease {
        run_id,
        stage_key: expired[0].key(),
        generation: expired[0].generation,
        epoch: expired[0].lease_epoch,
    };
    let back = Change::Retry { stage_key: "a".into(), error: "worker lost".into(), delay: Duration::ZERO };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(lease), vec![back])).await;
    let job = fixture.claim("living").await;
    assert_eq!((job.attempt, job.lease.epoch), (2, 2), "G6: the attempt of the dead worker counts");
    assert_eq!(fixture.commit(held(&dead, vec![complete("a")])).await, Commit::PreconditionFailed);
    fixture.complete_run(&job).await;
    assert_eq!(fixture.complete_run(&dead).await, Commit::PreconditionFailed);
    let names = fixture.event_names(run_id).await;
    assert_eq!(names.iter().filter(|name| **name == "stage:completed").count(), 1);
    assert_eq!(fixture.run(run_id).await.status, Status::Completed);
}

async fn the_next_job_to_be_due_is_the_earliest(fixture: Fixture) {
    let now = fixture.clock.now();
    let seconds = Duration::from_secs;
    let mut jobs = Vec::new();
    for priority in [9, 5, 5, 1] {
        let new = crate::ports::NewRun { priority, ..super::fixture::new_run() };
        let run_id = fixture.create_as(new).await;
        fixture.start(run_id, &[("a", 0)], 1).await;
        jobs.push(fixture.claim("worker").await);
    }
    let due = || async { fixture.store.next_job_due(&definitions()).await.unwrap() };
    assert_eq!(due().await, None, "all jobs are leased");
    for (job, delay) in jobs.iter().zip([25, 20, 15, 10]) {
        let delay = seconds(delay);
        let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay };
        fixture.apply(held(job, vec![retry])).await;
        assert_eq!(due().await, Some(now + delay), "the job with the lowest priority may be due first");
    }
    fixture.clock.advance(seconds(10));
    let claim = claim("worker");
    fixture.store.claim_jobs(&claim, &definitions(), 1).await.unwrap();
    assert_eq!(due().await, Some(now + seconds(15)));
}

async fn nothing_is_due_in_an_idle_store(fixture: Fixture) {
    assert_eq!(fixture.store.next_job_due(&definitions()).await.unwrap(), None);
    assert_eq!(fixture.store.next_lease_end().await.unwrap(), None);
    let (_, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    fixture.create().await;
    assert_eq!(fixture.store.next_lease_end().await.unwrap(), None);
    assert_eq!(fixture.store.next_job_due(&definitions()).await.unwrap(), None);
}

async fn a_job_of_another_definition_is_not_due(fixture: Fixture) {
    fixture.single().await;
    assert_eq!(fixture.store.next_job_due(&["definition-2".to_owned()]).await.unwrap(), None);
    assert_eq!(fixture.store.next_job_due(&[]).await.unwrap(), None);
    fixture.claim("worker").await;
    let end = fixture.store.next_lease_end().await.unwrap();
    assert_eq!(end, Some(fixture.clock.now() + LEASE), "any worker may return the job of a dead worker");
}

async fn the_due_instant_of_a_ready_job_has_passed(fixture: Fixture) {
    fixture.single().await;
    let queued = fixture.clock.now();
    fixture.clock.advance(Duration::from_secs(5));
    assert_eq!(fixture.store.next_job_due(&definitions()).await.unwrap(), Some(queued));
}
