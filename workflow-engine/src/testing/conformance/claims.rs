//! Cases about claiming jobs.

use std::time::Duration;

use super::fixture::{DEFINITION, Fixture, claim, decision, definitions, fail_run, held, new_run};
use crate::ports::{Change, Clock, NewRun, Precondition};
use crate::records::Status;

cases![
    the_job_with_the_highest_priority_is_claimed_first,
    at_equal_priority_the_earliest_due_job_is_claimed_first,
    a_job_is_claimed_only_with_its_definition,
    a_claim_respects_its_limit,
    a_delayed_job_does_not_block_others,
    due_jobs_of_all_priorities_are_claimed_in_order_between_jobs_that_are_not_due,
    a_job_beyond_its_last_attempt_is_not_claimed,
    the_epoch_grows_with_each_claim,
    jobs_of_a_failed_run_are_not_claimed,
    a_claimed_job_has_its_events,
];

async fn with_priority(fixture: &Fixture, priority: i32) -> crate::RunId {
    let run_id = fixture.create_as(NewRun { priority, ..new_run() }).await;
    fixture.start(run_id, &[("a", 0)], 1).await;
    run_id
}

async fn the_job_with_the_highest_priority_is_claimed_first(fixture: Fixture) {
    let mut runs = Vec::new();
    for priority in [5, -3, 9, 0, i32::MAX, i32::MIN] {
        runs.push((priority, with_priority(&fixture, priority).await));
        fixture.clock.advance(Duration::from_secs(1));
    }
    runs.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    for (_, run_id) in runs {
        assert_eq!(fixture.claim("worker").await.lease.run_id, run_id);
    }
}

async fn at_equal_priority_the_earliest_due_job_is_claimed_first(fixture: Fixture) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(fixture.single().await);
        fixture.clock.advance(Duration::from_millis(1));
    }
    // The first one fails, and becomes due after the others.
    let first = fixture.claim("worker").await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::from_millis(1) };
    fixture.apply(held(&first, vec![retry])).await;
    fixture.clock.advance(Duration::from_secs(1));
    let claimed = fixture.claim_up_to("worker", 3).await;
    let order: Vec<_> = claimed.iter().map(|job| job.lease.run_id).collect();
    assert_eq!(order, [runs[1], runs[2], runs[0]]);
}

async fn a_job_is_claimed_only_with_its_definition(fixture: Fixture) {
    let other = NewRun { definition_fingerprint: "definition-2".into(), priority: 9, ..new_run() };
    let other = fixture.create_as(other).await;
    fixture.start(other, &[("a", 0)], 1).await;
    let run_id = fixture.single().await;
    let claimed = fixture.claim_up_to("worker", 10).await;
    assert_eq!(claimed.len(), 1, "G10: a run is executed only with its own definition");
    assert_eq!((claimed[0].lease.run_id, claimed[0].definition_fingerprint.as_str()), (run_id, DEFINITION));
    assert!(fixture.store.claim_jobs(&claim("worker"), &[], 10).await.unwrap().is_empty());
    let both = ["definition-3".to_owned(), "definition-2".to_owned()];
    let claimed = fixture.store.claim_jobs(&claim("worker"), &both, 10).await.unwrap();
    assert_eq!(claimed[0].lease.run_id, other);
}

async fn a_claim_respects_its_limit(fixture: Fixture) {
    for _ in 0..5 {
        fixture.single().await;
    }
    assert_eq!(fixture.claim_up_to("worker", 0).await.len(), 0);
    assert_eq!(fixture.claim_up_to("worker", 2).await.len(), 2);
    assert_eq!(fixture.claim_up_to("worker", 100).await.len(), 3);
    assert_eq!(fixture.claim_up_to("worker", 100).await.len(), 0);
}

async fn a_delayed_job_does_not_block_others(fixture: Fixture) {
    let urgent = with_priority(&fixture, 9).await;
    let job = fixture.claim("worker").await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::from_mins(1) };
    fixture.apply(held(&job, vec![retry])).await;
    let other = with_priority(&fixture, 1).await;
    assert_eq!(fixture.claim("worker").await.lease.run_id, other);
    fixture.clock.advance(Duration::from_mins(1));
    assert_eq!(fixture.claim("worker").await.lease.run_id, urgent);
}

/// Attempts count at the claim, so a stage that kills its process fails after its last attempt (G6, trap 7).
async fn due_jobs_of_all_priorities_are_claimed_in_order_between_jobs_that_are_not_due(fixture: Fixture) {
    let mut due = Vec::new();
    for priority in [-3, 0, 5, 9] {
        for delay in [Duration::from_secs(7 * 86_400), Duration::ZERO, Duration::from_secs(60), Duration::ZERO] {
            let run_id = with_priority(&fixture, priority).await;
            let job = fixture.claim("worker").await;
            let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay };
            fixture.apply(held(&job, vec![retry])).await;
            fixture.clock.advance(Duration::from_secs(1));
            assert_eq!(job.lease.run_id, run_id);
            if delay.is_zero() {
                // Out of the way of the next claim of this loop.
                let job = fixture.claim("worker").await;
                due.push((priority, run_id, job));
            }
        }
    }
    for (_, _, job) in &due {
        fixture.apply(held(job, vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }])).await;
    }
    due.sort_by_key(|(priority, run_id, _)| (std::cmp::Reverse(*priority), *run_id));
    let expected: Vec<_> = due.into_iter().map(|(_, run_id, _)| run_id).collect();
    let mut claimed = Vec::new();
    for limit in [1, 2, 3, 10] {
        claimed.extend(fixture.claim_up_to("worker", limit).await.into_iter().map(|job| job.lease.run_id));
    }
    assert_eq!(claimed, expected);
}

async fn a_job_beyond_its_last_attempt_is_not_claimed(fixture: Fixture) {
    let run_id = fixture.single().await;
    for attempt in 1..=3 {
        let job = fixture.claim("worker").await;
        assert_eq!(job.attempt, attempt);
        let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO };
        fixture.apply(held(&job, vec![retry])).await;
    }
    assert!(fixture.claim_up_to("worker", 1).await.is_empty());
    assert_eq!(fixture.job(run_id, "a").await.unwrap().status, Status::Pending);
    let due = fixture.store.next_job_due(&definitions()).await.unwrap();
    assert_eq!(due, None, "a job that cannot be claimed is not due");
}

async fn the_epoch_grows_with_each_claim(fixture: Fixture) {
    let run_id = fixture.single().await;
    for epoch in 1..=5 {
        let job = fixture.claim("worker").await;
        assert_eq!(job.lease.epoch, epoch, "G4: nothing resets the epoch");
        let change = if epoch % 2 == 0 {
            Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }
        } else {
            Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO }
        };
        if epoch < 5 {
            fixture.apply(held(&job, vec![change])).await;
        }
    }
    assert_eq!(fixture.job(run_id, "a").await.unwrap().lease_epoch, 5);
}

async fn jobs_of_a_failed_run_are_not_claimed(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    let job = fixture.claim("worker").await;
    let fail = Change::Fail { stage_key: job.lease.stage_key.clone(), error: "no".into() };
    fixture.apply(held(&job, vec![fail, fail_run()])).await;
    assert!(fixture.claim_up_to("worker", 10).await.is_empty());
    let precondition = Precondition::Claimable { stage_key: "b".into(), generation: 1 };
    let claim = Change::Claim { stage_key: "b".into(), claim: claim("worker") };
    let late = fixture.commit(decision(run_id, precondition, vec![claim])).await;
    assert_eq!(late, crate::ports::Commit::PreconditionFailed);
}

async fn a_claimed_job_has_its_events(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0), ("c", 0)], 3).await;
    let claimed = fixture.claim_up_to("worker", 3).await;
    assert_eq!(claimed.len(), 3);
    let names = fixture.event_names(run_id).await;
    assert_eq!(names[2..], ["stage:started"; 3]);
    for job in claimed {
        let stage = fixture.stage(run_id, &job.lease.stage_key).await;
        assert_eq!((stage.status, stage.started_at), (Status::Running, Some(fixture.clock.now())));
    }
}
