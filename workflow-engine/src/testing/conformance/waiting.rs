//! Cases about stages that wait for something outside of the engine.

use std::time::Duration;

use super::fixture::{
    Fixture, LEASE, decision, definitions, enqueue, fail_run, held, new_stages, release_run,
};
use crate::ports::{Change, Clock, Commit, Precondition};
use crate::records::{BlobKey, ClaimedJob, EventKind, Status, StoredValue};
use crate::value::{Json, Place};

cases![
    a_ticket_is_stored_with_its_stage,
    a_large_ticket_is_stored_as_a_blob,
    a_check_is_due_after_its_delay,
    a_check_is_claimed_without_an_event,
    the_longest_overdue_check_is_claimed_first,
    a_postponed_check_starts_again_at_its_first_attempt,
    a_check_that_fails_stays_a_check,
    a_returned_check_does_not_count,
    a_check_that_finds_the_output_completes_its_stage,
    a_worker_that_lost_its_check_commits_nothing,
    a_wake_makes_the_check_due_now,
    a_wake_during_a_check_is_not_lost,
    a_suspended_run_is_reported_once_and_only_while_a_stage_waits,
    waiting_stages_are_cancelled_with_their_run,
    a_body_is_suspended_only_once,
];

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn suspend(stage: &str) -> Change {
    Change::Suspend {
        stage_key: stage.into(),
        ticket: StoredValue::Inline(Json::parse(r#"{"batch":"b-1"}"#).unwrap()),
        check_after: HOUR,
        give_up_after: DAY,
        awaits_signal: false,
    }
}

fn postpone() -> Change {
    Change::Postpone { stage_key: "a".into(), check_after: HOUR }
}

async fn wake(fixture: &Fixture, run_id: crate::RunId) {
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![Change::Wake { stage_key: "a".into() }])).await;
}

/// Starts a run of one stage, which is suspended.
async fn waiting(fixture: &Fixture) -> (crate::RunId, ClaimedJob) {
    let (run_id, job) = fixture.running().await;
    fixture.apply(held(&job, vec![suspend("a")])).await;
    (run_id, job)
}

async fn a_ticket_is_stored_with_its_stage(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    let stage = fixture.store.stage(run_id, &"a".into()).await.unwrap().unwrap();
    assert_eq!(stage, fixture.stage(run_id, "a").await);
    assert_eq!((stage.status, stage.output), (Status::Suspended, None));
    assert_eq!(stage.max_wait_until, Some(fixture.clock.now() + DAY));
    let Some(StoredValue::Inline(ticket)) = stage.suspended_state else { panic!("no ticket") };
    assert_eq!(ticket.as_str(), r#"{"batch":"b-1"}"#);
    assert_eq!(fixture.store.stage(run_id, &"z".into()).await.unwrap(), None);

    let job = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((job.status, job.attempt, job.leased_until), (Status::Suspended, 0, None));
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.active, run.suspended), (Status::Running, 0, 1));
    let events = fixture.events(run_id).await;
    let suspended = EventKind::StageSuspended {
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "Stage a".into(),
        next_check_ms: 3_600_000,
    };
    assert_eq!(events[events.len() - 2].kind, suspended);
}

async fn a_large_ticket_is_stored_as_a_blob(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let key = BlobKey(format!("{run_id}/a/1/1"));
    let value = Json::encode(&"x".repeat(100_000)).unwrap();
    let put = Change::PutBlob { key: key.clone(), value: value.clone() };
    let suspend = Change::Suspend {
        stage_key: "a".into(),
        ticket: StoredValue::Blob(key.clone()),
        check_after: HOUR,
        give_up_after: DAY,
        awaits_signal: false,
    };
    fixture.apply(held(&job, vec![put, suspend])).await;
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!(stage.suspended_state, Some(StoredValue::Blob(key.clone())));
    assert_eq!(fixture.store.blob(&key).await.unwrap(), Some(value));
}

async fn a_check_is_due_after_its_delay(fixture: Fixture) {
    waiting(&fixture).await;
    let due = fixture.store.next_job_due(&definitions()).await.unwrap();
    assert_eq!(due, Some(fixture.clock.now() + HOUR));
    fixture.clock.advance(HOUR - Duration::from_millis(1));
    assert!(fixture.claim_up_to("worker", 1).await.is_empty());
    fixture.clock.advance(Duration::from_millis(1));
    assert!(fixture.claim("worker").await.is_poll);
}

async fn a_check_is_claimed_without_an_event(fixture: Fixture) {
    let (run_id, job) = waiting(&fixture).await;
    let before = fixture.events(run_id).await.len();
    fixture.clock.advance(HOUR);
    let check = fixture.claim("checker").await;
    assert_eq!((check.is_poll, check.attempt), (true, 1));
    assert!(check.lease.epoch > job.lease.epoch, "G4: the epoch grows with each claim");
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Suspended);
    assert_eq!(fixture.job(run_id, "a").await.unwrap().status, Status::Running);
    assert_eq!(fixture.events(run_id).await.len(), before);
}

async fn the_longest_overdue_check_is_claimed_first(fixture: Fixture) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(waiting(&fixture).await.0);
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture.clock.advance(HOUR);
    fixture.single().await;
    let order: Vec<_> = fixture.claim_up_to("worker", 2).await.iter().map(|job| job.lease.run_id).collect();
    assert_eq!(order, runs[..2], "a stage that became ready later comes later");
}

async fn a_postponed_check_starts_again_at_its_first_attempt(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    for number in 0..5 {
        fixture.clock.advance(HOUR);
        let check = fixture.claim("worker").await;
        assert_eq!(check.attempt, 1, "check {number}: there may be more checks than attempts");
        fixture.apply(held(&check, vec![postpone()])).await;
    }
    let job = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((job.status, job.run_at), (Status::Suspended, fixture.clock.now() + HOUR));
}

async fn a_check_that_fails_stays_a_check(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    let retry = Change::Retry { stage_key: "a".into(), error: "503".into(), delay: LEASE };
    fixture.apply(held(&check, vec![retry])).await;
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.error_message.as_deref()), (Status::Suspended, Some("503")));
    assert!(stage.suspended_state.is_some());
    fixture.clock.advance(LEASE);
    let again = fixture.claim("worker").await;
    assert_eq!((again.is_poll, again.attempt), (true, 2));
    let EventKind::StageRetrying { attempt, .. } = fixture.events(run_id).await.pop().unwrap().kind else {
        panic!("the last event is another one");
    };
    assert_eq!(attempt, 1);
}

async fn a_returned_check_does_not_count(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    fixture.apply(held(&check, vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }])).await;
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Suspended);
    let again = fixture.claim("worker").await;
    assert_eq!((again.is_poll, again.attempt), (true, 1));
}

async fn a_check_that_finds_the_output_completes_its_stage(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    fixture.complete_run(&check).await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.active, run.suspended), (Status::Completed, 0, 0));
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Completed);
    assert_eq!(fixture.job(run_id, "a").await, None);
}

async fn a_worker_that_lost_its_check_commits_nothing(fixture: Fixture) {
    let (run_id, body) = waiting(&fixture).await;
    fixture.clock.advance(HOUR);
    let slow = fixture.claim("slow").await;
    fixture.clock.advance(LEASE);
    let back = Change::Retry { stage_key: "a".into(), error: "lost".into(), delay: Duration::ZERO };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(slow.lease.clone()), vec![back])).await;
    let check = fixture.claim("fast").await;
    for late in [&slow, &body] {
        assert_eq!(fixture.commit(held(late, vec![postpone()])).await, Commit::PreconditionFailed);
        assert_eq!(fixture.complete_run(late).await, Commit::PreconditionFailed);
    }
    assert!(matches!(fixture.complete_run(&check).await, Commit::Applied(_)));
}

async fn a_wake_makes_the_check_due_now(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    wake(&fixture, run_id).await;
    assert!(fixture.claim("worker").await.is_poll);
}

async fn a_wake_during_a_check_is_not_lost(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    wake(&fixture, run_id).await;
    assert!(fixture.claim_up_to("other", 1).await.is_empty(), "one check at a time");
    fixture.apply(held(&check, vec![postpone()])).await;
    let again = fixture.claim("worker").await;
    fixture.apply(held(&again, vec![postpone()])).await;
    assert!(fixture.claim_up_to("worker", 1).await.is_empty(), "and only one more");
}

async fn a_suspended_run_is_reported_once_and_only_while_a_stage_waits(fixture: Fixture) {
    let run_id = fixture.create().await;
    let stages = [("a", 0), ("b", 0), ("c", 2)];
    let mut changes = vec![Change::StartRun { stages: new_stages(&stages), waiting_on: 1 }];
    changes.extend([enqueue("a"), enqueue("b")]);
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, changes)).await;
    let suspensions = async || {
        let names = fixture.event_names(run_id).await;
        names.iter().filter(|name| **name == "workflow:suspended").count()
    };

    let jobs = fixture.claim_up_to("worker", 2).await;
    let (a, b) = if jobs[0].lease.stage_key == "a" { (&jobs[0], &jobs[1]) } else { (&jobs[1], &jobs[0]) };
    fixture.apply(held(a, vec![suspend("a")])).await;
    assert_eq!(suspensions().await, 0, "b is still running");
    fixture.complete(b, &["c"]).await;
    assert_eq!(suspensions().await, 1);
    let last = fixture.events(run_id).await.pop().unwrap();
    assert_eq!(last.kind, EventKind::WorkflowSuspended { stage_id: None , place: Place::default()});

    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    fixture.apply(held(&check, vec![postpone()])).await;
    assert_eq!(suspensions().await, 1, "the run was suspended all the time");
    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    fixture.complete(&check, &["c"]).await;
    let c = fixture.claim("worker").await;
    fixture.apply(held(&c, vec![super::fixture::complete("c"), release_run()])).await;
    assert_eq!(suspensions().await, 1);
    assert_eq!(fixture.run(run_id).await.status, Status::Completed);
}

async fn waiting_stages_are_cancelled_with_their_run(fixture: Fixture) {
    let (run_id, _) = waiting(&fixture).await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let changes = vec![Change::Cancel { stage_key: "a".into() }, fail_run()];
    fixture.apply(decision(run_id, precondition, changes)).await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.active, run.suspended), (Status::Failed, 0, 0));
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Cancelled);
    fixture.clock.advance(HOUR);
    assert!(fixture.claim_up_to("worker", 1).await.is_empty());
}

/// A crash between suspending a stage and suspending its job would submit the work a second time (trap 11). Both happen
/// in one commit here, which cannot be repeated.
async fn a_body_is_suspended_only_once(fixture: Fixture) {
    let (run_id, job) = waiting(&fixture).await;
    assert_eq!(fixture.commit(held(&job, vec![suspend("a")])).await, Commit::PreconditionFailed);
    fixture.clock.advance(HOUR);
    let check = fixture.claim("worker").await;
    let again = fixture.store.commit(held(&check, vec![suspend("a")])).await;
    assert!(again.is_err(), "a check cannot suspend a suspended stage");
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Suspended);
}
