//! Cases about each change and the events that it emits.

use std::time::Duration;

use super::fixture::{
    ATTEMPTS, Fixture, LEASE, cancel_run, claim, complete, decision, fail_run, held, inline, json, release,
    release_run,
};
use crate::ports::{Change, Clock, Commit, Precondition};
use crate::records::{BlobKey, EventKind, LogLevel, RunError, Status};
use crate::value::{Cost, Place, StageKey};

cases![
    a_claim_takes_a_new_lease,
    completing_clears_the_error_and_deletes_the_job,
    a_retry_waits_for_its_delay,
    a_retry_keeps_the_epoch,
    a_delay_beyond_the_largest_date_is_accepted,
    a_noted_error_changes_nothing_else,
    a_failed_stage_keeps_a_dead_job,
    a_failed_run_stores_its_error,
    a_cancelled_run_stores_its_reason,
    cancelling_a_stage_deletes_its_job,
    a_release_counts_down,
    a_release_claims_the_stage_that_becomes_ready,
    queued_stages_are_claimed_while_there_is_room,
    a_queued_stage_that_is_not_due_is_not_claimed,
    the_last_release_ends_the_run,
    the_run_completes_when_every_output_stage_has_completed,
    a_blob_is_committed_with_its_stage,
    a_blob_can_be_replaced,
    log_lines_are_stored_in_order,
    progress_is_an_event,
    the_duration_is_counted_from_the_start,
];

async fn a_claim_takes_a_new_lease(fixture: Fixture) {
    let run_id = fixture.single().await;
    let job = fixture.claim("worker-1").await;
    assert_eq!((job.lease.epoch, job.lease.generation, job.attempt), (1, 1, 1));
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.status, record.lease_epoch, record.attempt), (Status::Running, 1, 1));
    assert_eq!(record.worker_id.as_deref(), Some("worker-1"));
    assert_eq!(record.leased_until, Some(fixture.clock.now() + LEASE));
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.attempt), (Status::Running, 1));
    assert_eq!(stage.started_at, Some(fixture.clock.now()));
    let started = EventKind::StageStarted {
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "Stage a".into(),
        stage_number: 1,
        attempt: 1,
        worker: None,
    };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, started);
}

async fn completing_clears_the_error_and_deletes_the_job(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO };
    fixture.apply(held(&job, vec![retry])).await;
    assert_eq!(fixture.stage(run_id, "a").await.error_message.as_deref(), Some("no"));
    let job = fixture.claim("worker").await;
    fixture.clock.advance(Duration::from_secs(1));
    fixture.complete(&job, &[]).await;
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.error_message, stage.attempt), (Status::Completed, None, 2));
    assert_eq!(stage.output, Some(inline("a")));
    assert_eq!(stage.completed_at, Some(fixture.clock.now()));
    assert_eq!(fixture.job(run_id, "a").await, None);
    let completed =
        EventKind::StageCompleted { stage_id: "a".into(), place: Place::default(), stage_name: "Stage a".into(), duration_ms: 5, arm: None };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, completed);
}

async fn a_retry_waits_for_its_delay(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let delay = Duration::from_mins(1);
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay };
    fixture.apply(held(&job, vec![retry])).await;
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.status, record.run_at), (Status::Pending, fixture.clock.now() + delay));
    assert_eq!((record.worker_id, record.leased_until), (None, None));
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Pending);
    let retrying = EventKind::StageRetrying {
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "Stage a".into(),
        attempt: 1,
        error: "no".into(),
        delay_ms: 60_000,
    };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, retrying);
    assert!(fixture.claim_up_to("worker", 1).await.is_empty());
    fixture.clock.advance(delay);
    assert_eq!(fixture.claim("worker").await.attempt, 2);
}

/// An attempt number cannot serve as a fence; the epoch can, because nothing resets it (G4).
async fn a_retry_keeps_the_epoch(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO };
    fixture.apply(held(&job, vec![retry])).await;
    assert_eq!(fixture.job(run_id, "a").await.unwrap().lease_epoch, 1);
    let job = fixture.claim("worker").await;
    assert_eq!(job.lease.epoch, 2);
    fixture.apply(held(&job, vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }])).await;
    let job = fixture.claim("worker").await;
    assert_eq!((job.lease.epoch, job.attempt), (3, 2));
}

async fn a_delay_beyond_the_largest_date_is_accepted(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::MAX };
    fixture.apply(held(&job, vec![retry])).await;
    assert!(fixture.job(run_id, "a").await.unwrap().run_at > fixture.clock.now());
    assert!(fixture.claim_up_to("worker", 1).await.is_empty());
}

async fn a_noted_error_changes_nothing_else(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let before = fixture.snapshot(run_id).await;
    let note = Change::NoteError { stage_key: "a".into(), error: "the blob store is away".into() };
    fixture.apply(held(&job, vec![note])).await;
    let mut expected = before;
    expected.stages[0].error_message = Some("the blob store is away".into());
    assert_eq!(fixture.snapshot(run_id).await, expected);
    assert_eq!(fixture.event_names(run_id).await.len(), 3);
}

async fn a_failed_stage_keeps_a_dead_job(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let fail = Change::Fail { stage_key: "a".into(), error: "broken".into() };
    let applied = fixture.apply(held(&job, vec![fail, fail_run()])).await;
    assert_eq!(applied.ended, Some(Status::Failed));
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.error_message.as_deref()), (Status::Failed, Some("broken")));
    assert_eq!(stage.completed_at, Some(fixture.clock.now()));
    let record = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((record.status, record.leased_until), (Status::Dead, None));
    let events = fixture.events(run_id).await;
    let failed = EventKind::StageFailed {
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "Stage a".into(),
        attempt: 1,
        error: "broken".into(),
    };
    assert_eq!(events[events.len() - 2].kind, failed);
    assert!(fixture.store.stale_jobs(&[], 10).await.unwrap().is_empty());
}

async fn a_failed_run_stores_its_error(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let version = fixture.run(run_id).await.version;
    fixture.apply(held(&job, vec![fail_run()])).await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.version), (Status::Failed, version + 1));
    assert_eq!(run.error, Some(RunError { code: "STAGE_FAILED".into(), message: "a: no".into() }));
    assert_eq!(run.completed_at, Some(fixture.clock.now()));
    let failed = EventKind::WorkflowFailed { code: "STAGE_FAILED".into(), error: "a: no".into() };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, failed);
}

async fn a_cancelled_run_stores_its_reason(fixture: Fixture) {
    let run_id = fixture.create().await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let applied = fixture.apply(decision(run_id, precondition, vec![cancel_run()])).await;
    assert_eq!(applied.ended, Some(Status::Cancelled));
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.cancel_reason.as_deref()), (Status::Cancelled, Some("enough")));
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created", "workflow:cancelled"]);
}

async fn cancelling_a_stage_deletes_its_job(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let cancel = |stage: &str| Change::Cancel { stage_key: stage.into() };
    fixture.apply(decision(run_id, precondition, vec![cancel("a"), cancel("d"), cancel_run()])).await;
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Cancelled);
    assert_eq!(fixture.stage(run_id, "d").await.status, Status::Cancelled);
    assert!(fixture.snapshot(run_id).await.jobs.is_empty());
    let names = fixture.event_names(run_id).await;
    assert_eq!(names[2..], ["stage:cancelled", "stage:cancelled", "workflow:cancelled"]);
}

async fn a_release_counts_down(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0), ("c", 2)], 1).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    fixture.complete(&jobs[0], &["c"]).await;
    assert_eq!(fixture.stage(run_id, "c").await.waiting_on, 1);
    assert_eq!(fixture.job(run_id, "c").await, None);
    let Commit::Applied(applied) = fixture.complete(&jobs[1], &["c"]).await else { panic!("held") };
    assert_eq!(applied.ready.len(), 1);
    assert_eq!(fixture.stage(run_id, "c").await.waiting_on, 0);
    let job = fixture.job(run_id, "c").await.unwrap();
    assert_eq!((job.status, job.run_at, job.max_attempts), (Status::Pending, fixture.clock.now(), ATTEMPTS));
}

async fn a_release_claims_the_stage_that_becomes_ready(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 1), ("c", 2)], 1).await;
    let job = fixture.claim("worker").await;
    let claiming = |stage: &str| Change::Release {
        stage_key: stage.into(),
        max_attempts: ATTEMPTS,
        max_crashes: 3,
        claim: Some(claim("worker")),
    };
    let applied = fixture.apply(held(&job, vec![complete("a"), claiming("b"), claiming("c")])).await;
    assert_eq!((applied.claimed.len(), applied.ready.len()), (1, 0), "c still waits");
    assert_eq!(applied.claimed[0].lease.stage_key, "b");
    let names = fixture.event_names(run_id).await;
    assert_eq!(names[3..], ["stage:completed", "stage:started"]);
    assert!(fixture.claim_up_to("other", 10).await.is_empty());
}

async fn queued_stages_are_claimed_while_there_is_room(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 1)], 1).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    assert_eq!(jobs.iter().map(|job| job.lease.stage_key.to_string()).collect::<Vec<_>>(), ["a", "b"]);
    let queued = |room| Change::ClaimQueued {
        stage_keys: ["b", "c", "d", "e", "unknown"].map(StageKey::from).to_vec(),
        claim: claim("worker"),
        room,
    };
    let applied = fixture.apply(held(&jobs[0], vec![complete("a"), queued(1)])).await;
    let [claimed] = applied.claimed.as_slice() else { panic!("one claim: {applied:?}") };
    assert_eq!(claimed.lease.stage_key, "c", "b is claimed already");
    assert_eq!(claimed.attempt, 1);
    let job = fixture.job(run_id, "c").await.unwrap();
    assert_eq!((job.status, job.worker_id.as_deref()), (Status::Running, Some("worker")));
    assert_eq!(fixture.event_names(run_id).await[4..], ["stage:completed", "stage:started"]);

    let applied = fixture.apply(held(&jobs[1], vec![complete("b"), queued(0)])).await;
    assert!(applied.claimed.is_empty(), "there is no room");
    let applied = fixture.apply(held(claimed, vec![complete("c"), queued(9)])).await;
    let claimed: Vec<_> = applied.claimed.iter().map(|job| job.lease.stage_key.to_string()).collect();
    assert_eq!(claimed, ["d"], "e waits for others, and there is no stage `unknown`");
}

async fn a_queued_stage_that_is_not_due_is_not_claimed(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 1).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    let delay = Duration::from_secs(60);
    let retry = Change::Retry { stage_key: "b".into(), error: "not yet".into(), delay };
    fixture.apply(held(&jobs[1], vec![retry])).await;
    let queued = Change::ClaimQueued { stage_keys: vec!["b".into()], claim: claim("worker"), room: 1 };
    let applied = fixture.apply(held(&jobs[0], vec![complete("a"), queued])).await;
    assert!(applied.claimed.is_empty());
    assert_eq!(fixture.job(run_id, "b").await.unwrap().status, Status::Pending);
}

async fn the_last_release_ends_the_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.clock.advance(Duration::from_millis(1_500));
    let version = fixture.run(run_id).await.version;
    fixture.complete_run(&job).await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.version, run.waiting_on), (Status::Completed, version + 1, 0));
    assert_eq!(run.output, Some(inline("output")));
    assert_eq!(run.completed_at, Some(fixture.clock.now()));
    let completed = EventKind::WorkflowCompleted {
        duration_ms: 1_500,
        cost: Cost::ZERO,
        tokens: 0,
        output: Some(json("output")),
        output_stages: Vec::new(),
    };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, completed);
}

async fn the_run_completes_when_every_output_stage_has_completed(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    let end = |job| {
        let released = Change::ReleaseRun { output: None, stages: Vec::new() };
        held(job, vec![complete(&job.lease.stage_key), released])
    };
    assert_eq!(fixture.apply(end(&jobs[0])).await.ended, None);
    assert_eq!(fixture.run(run_id).await.status, Status::Running);
    assert_eq!(fixture.apply(end(&jobs[1])).await.ended, Some(Status::Completed));
    assert_eq!(fixture.run(run_id).await.output, None);
}

/// A stage that did not commit leaves no blob (G2).
async fn a_blob_is_committed_with_its_stage(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let key = BlobKey(format!("{run_id}/a/1/1"));
    let put = || Change::PutBlob { key: key.clone(), value: json("large") };
    let precondition = Precondition::Lease(super::fixture::stale(&job));
    assert_eq!(fixture.commit(decision(run_id, precondition, vec![put()])).await, Commit::PreconditionFailed);
    assert_eq!(fixture.store.blob(&key).await.unwrap(), None);
    fixture.apply(held(&job, vec![put(), complete("a")])).await;
    assert_eq!(fixture.store.blob(&key).await.unwrap(), Some(json("large")));
}

async fn a_blob_can_be_replaced(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let key = BlobKey(format!("{run_id}/a/1/1"));
    for value in ["one", "two"] {
        let put = Change::PutBlob { key: key.clone(), value: json(value) };
        fixture.apply(held(&job, vec![put])).await;
    }
    assert_eq!(fixture.store.blob(&key).await.unwrap(), Some(json("two")));
}

async fn log_lines_are_stored_in_order(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let log = |level, message: &str| Change::Log {
        stage_key: Some("a".into()),
        level,
        message: message.into(),
        fields: json(&[1]),
    };
    let events = fixture.event_names(run_id).await;
    fixture.apply(held(&job, vec![log(LogLevel::Info, "one"), log(LogLevel::Error, "two")])).await;
    fixture.apply(held(&job, vec![log(LogLevel::Debug, "three"), log(LogLevel::Warn, "four")])).await;
    assert_eq!(fixture.event_names(run_id).await, events, "a log line emits no event");
    let lines = fixture.store.logs(run_id, 0, 10).await.unwrap();
    let logged: Vec<_> = lines.iter().map(|line| (line.level, line.message.as_str())).collect();
    let expected = [
        (LogLevel::Info, "one"),
        (LogLevel::Error, "two"),
        (LogLevel::Debug, "three"),
        (LogLevel::Warn, "four"),
    ];
    assert_eq!(logged, expected);
    assert_eq!((lines[0].stage_id.as_deref(), lines[0].attempt), (Some("a"), Some(1)));
    assert_eq!((lines[0].at, &lines[0].fields), (fixture.clock.now(), &json(&[1])));
    let later = fixture.store.logs(run_id, lines[1].id, 1).await.unwrap();
    assert_eq!(later, lines[2..3]);
}

async fn progress_is_an_event(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let progress = Change::Progress { stage_key: "a".into(), fraction: 0.1 + 0.2, message: "on".into() };
    fixture.apply(held(&job, vec![progress])).await;
    let expected =
        EventKind::StageProgress { stage_id: "a".into(), place: Place::default(), fraction: 0.1 + 0.2, message: "on".into() };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, expected);
}

/// The duration counts from the start of this generation, not from the creation of the run (trap 16).
async fn the_duration_is_counted_from_the_start(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.clock.advance(Duration::from_hours(1));
    fixture.start(run_id, &[("a", 0)], 1).await;
    fixture.clock.advance(Duration::from_secs(2));
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, vec![complete("a"), release_run()])).await;
    match &fixture.events(run_id).await.last().unwrap().kind {
        EventKind::WorkflowCompleted { duration_ms, .. } => assert_eq!(*duration_ms, 2_000),
        other => panic!("{other:?}"),
    }
    let again = fixture.commit(held(&job, vec![release("a")])).await;
    assert_eq!(again, Commit::PreconditionFailed);
}
