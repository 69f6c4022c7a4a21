//! Cases about signals: the queue of a stage, the wait that takes the oldest, and the list of those that wait.

use std::time::Duration;

use super::fixture::{Fixture, cancel_run, complete, decision, held, json, new_stages, release_run};
use crate::ports::{Change, Clock, Commit, Precondition, Purge, RerunStage, SignalWaitQuery};
use crate::records::{ClaimedJob, EventKind, Status, StoredValue};
use crate::value::{Json, Place, RunId};

cases![
    a_signal_is_stored_with_its_event_and_wakes_the_stage,
    a_signal_before_the_run_starts_is_kept,
    a_signal_before_the_wait_makes_the_stage_due_at_once,
    a_wait_without_a_signal_is_not_due_before_its_end,
    a_signal_during_the_last_check_makes_another_one_due,
    a_second_signal_to_a_waiting_stage_is_refused,
    two_signals_at_once_have_one_winner,
    signals_are_consumed_in_the_order_of_their_commits,
    only_the_oldest_signal_is_consumed,
    a_stage_holds_a_limited_number_of_signals,
    a_consumed_signal_stays_after_a_rerun,
    signals_are_deleted_with_their_run,
    waits_are_listed_by_deadline_and_in_pages,
    a_stage_that_no_longer_waits_is_not_listed,
    the_definitions_of_suspended_stages_are_listed,
];

const WEEK: Duration = Duration::from_secs(7 * 86_400);

fn suspend(give_up_after: Duration) -> Change {
    Change::Suspend {
        stage_key: "a".into(),
        ticket: StoredValue::Inline(json("approve?")),
        check_after: give_up_after,
        give_up_after,
        awaits_signal: true,
    }
}

fn signal(payload: u32, actor: Option<&str>) -> Change {
    Change::Signal {
        stage_key: "a".into(),
        stage_name: "Stage a".into(),
        payload: json(&payload),
        actor: actor.map(str::to_owned),
    }
}

async fn send(fixture: &Fixture, run_id: RunId, change: Change) {
    fixture.apply(decision(run_id, Precondition::Present, vec![change])).await;
}

/// Sends a signal that the store refuses, and returns the code.
async fn refused(fixture: &Fixture, run_id: RunId, change: Change) -> &'static str {
    let sent = fixture.store.commit(decision(run_id, Precondition::Present, vec![change])).await;
    sent.expect_err("the signal is refused").code().as_str()
}

/// Starts a run of one stage, which waits for a signal.
async fn waiting(fixture: &Fixture) -> RunId {
    let (run_id, job) = fixture.running().await;
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    run_id
}

fn consume(job: &ClaimedJob, number: u64) -> Vec<Change> {
    vec![Change::ConsumeSignal { stage_key: job.lease.stage_key.clone(), number }, complete("a"), release_run()]
}

async fn numbers(fixture: &Fixture, run_id: RunId) -> Vec<(u64, bool)> {
    let signals = fixture.store.signals(run_id, Some(&"a".into())).await.unwrap();
    signals.into_iter().map(|signal| (signal.number, signal.consumed_at.is_some())).collect()
}

async fn a_signal_is_stored_with_its_event_and_wakes_the_stage(fixture: Fixture) {
    let run_id = waiting(&fixture).await;
    send(&fixture, run_id, signal(7, Some("ada"))).await;
    let signals = fixture.store.signals(run_id, None).await.unwrap();
    let stored = &signals[0];
    assert_eq!((signals.len(), stored.number, stored.payload.as_str()), (1, 1, "7"));
    assert_eq!((stored.stage_id.as_str(), stored.actor.as_deref()), ("a", Some("ada")));
    assert_eq!((stored.at, stored.consumed_at, stored.consumed_by), (fixture.clock.now(), None, None));
    assert_eq!(fixture.store.next_signal(run_id, &"a".into()).await.unwrap().as_ref(), Some(stored));
    assert_eq!(fixture.store.next_signal(run_id, &"b".into()).await.unwrap(), None);
    let signalled = EventKind::StageSignalled {
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "Stage a".into(),
        actor: Some("ada".into()),
    };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, signalled);

    let job = fixture.claim("worker").await;
    assert!(job.is_poll);
    fixture.apply(held(&job, consume(&job, 1))).await;
    let signals = fixture.store.signals(run_id, Some(&"a".into())).await.unwrap();
    assert_eq!((signals[0].consumed_at, signals[0].consumed_by), (Some(fixture.clock.now()), Some(1)));
    assert_eq!(fixture.store.next_signal(run_id, &"a".into()).await.unwrap(), None);
}

async fn a_signal_before_the_run_starts_is_kept(fixture: Fixture) {
    let run_id = fixture.create().await;
    send(&fixture, run_id, signal(7, None)).await;
    fixture.start(run_id, &[("a", 0)], 1).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    assert!(fixture.claim("worker").await.is_poll);
    let names = fixture.event_names(run_id).await;
    assert_eq!(names[..3], ["workflow:created", "stage:signalled", "workflow:started"]);
}

async fn a_signal_before_the_wait_makes_the_stage_due_at_once(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    send(&fixture, run_id, signal(7, None)).await;
    assert_eq!(fixture.stage(run_id, "a").await.status, Status::Running);
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    let job = fixture.claim("worker").await;
    assert!(job.is_poll, "a signal before the wait is not lost");
    fixture.apply(held(&job, consume(&job, 1))).await;
}

async fn a_wait_without_a_signal_is_not_due_before_its_end(fixture: Fixture) {
    waiting(&fixture).await;
    fixture.clock.advance(WEEK - Duration::from_millis(1));
    assert!(fixture.claim_up_to("worker", 1).await.is_empty());
    fixture.clock.advance(Duration::from_millis(1));
    assert!(fixture.claim("worker").await.is_poll);
}

async fn a_signal_during_the_last_check_makes_another_one_due(fixture: Fixture) {
    let run_id = waiting(&fixture).await;
    fixture.clock.advance(WEEK);
    let job = fixture.claim("worker").await;
    send(&fixture, run_id, signal(7, None)).await;
    assert!(fixture.job(run_id, "a").await.unwrap().woken);
    let postpone = Change::Postpone { stage_key: "a".into(), check_after: WEEK };
    fixture.apply(held(&job, vec![postpone])).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, consume(&job, 1))).await;
}

async fn a_second_signal_to_a_waiting_stage_is_refused(fixture: Fixture) {
    let run_id = waiting(&fixture).await;
    send(&fixture, run_id, signal(1, Some("ada"))).await;
    let sent = decision(run_id, Precondition::Present, vec![signal(2, Some("bob"))]);
    let error = fixture.store.commit(sent).await.unwrap_err();
    assert_eq!(error.code().as_str(), "SIGNAL_TOO_LATE");
    assert!(error.to_string().contains("`ada` was first"), "{error}");
    let job = fixture.claim("worker").await;
    assert_eq!(refused(&fixture, run_id, signal(3, None)).await, "SIGNAL_TOO_LATE");
    fixture.apply(held(&job, consume(&job, 1))).await;
    assert_eq!(numbers(&fixture, run_id).await, [(1, true)]);
}

async fn two_signals_at_once_have_one_winner(fixture: Fixture) {
    let run_id = waiting(&fixture).await;
    let sends = (0..8).map(|payload| {
        let decision = decision(run_id, Precondition::Present, vec![signal(payload, None)]);
        fixture.store.commit(decision)
    });
    let sent = futures_util::future::join_all(sends).await;
    let won = sent.iter().filter(|sent| matches!(sent, Ok(Commit::Applied(_)))).count();
    assert_eq!(won, 1, "{sent:?}");
    assert_eq!(numbers(&fixture, run_id).await, [(1, false)]);
}

async fn signals_are_consumed_in_the_order_of_their_commits(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    for payload in [10, 20, 30] {
        send(&fixture, run_id, signal(payload, None)).await;
    }
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    let job = fixture.claim("worker").await;
    let next = fixture.store.next_signal(run_id, &"a".into()).await.unwrap().unwrap();
    assert_eq!((next.number, next.payload.as_str()), (1, "10"));
    fixture.apply(held(&job, consume(&job, 1))).await;
    let next = fixture.store.next_signal(run_id, &"a".into()).await.unwrap().unwrap();
    assert_eq!((next.number, next.payload.as_str()), (2, "20"));
    assert_eq!(numbers(&fixture, run_id).await, [(1, true), (2, false), (3, false)]);
}

async fn only_the_oldest_signal_is_consumed(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    for payload in [10, 20] {
        send(&fixture, run_id, signal(payload, None)).await;
    }
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    let job = fixture.claim("worker").await;
    for number in [0, 2, 3] {
        assert!(fixture.store.commit(held(&job, consume(&job, number))).await.is_err());
    }
    assert_eq!(numbers(&fixture, run_id).await, [(1, false), (2, false)]);
    fixture.apply(held(&job, consume(&job, 1))).await;
}

async fn a_stage_holds_a_limited_number_of_signals(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let limit = u32::try_from(Change::MAX_SIGNALS).unwrap();
    let all = (0..limit).map(|payload| signal(payload, None)).collect();
    fixture.apply(decision(run_id, Precondition::Present, all)).await;
    assert_eq!(refused(&fixture, run_id, signal(limit, None)).await, "TOO_MANY_SIGNALS");
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, consume(&job, 1))).await;
    assert_eq!(numbers(&fixture, run_id).await.len(), 1_000);
}

async fn a_consumed_signal_stays_after_a_rerun(fixture: Fixture) {
    let run_id = waiting(&fixture).await;
    send(&fixture, run_id, signal(1, None)).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, consume(&job, 1))).await;
    let rerun = Change::Rerun {
        stages: vec![RerunStage { stage_key: "a".into(), waiting_on: 0 }],
        waiting_on: 1,
    };
    let enqueue = super::fixture::enqueue("a");
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![rerun, enqueue])).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, vec![suspend(WEEK)])).await;
    assert!(fixture.claim_up_to("worker", 1).await.is_empty(), "a rerun asks again");
    send(&fixture, run_id, signal(2, None)).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, consume(&job, 2))).await;
    let signals = fixture.store.signals(run_id, Some(&"a".into())).await.unwrap();
    let consumed_by: Vec<_> = signals.iter().map(|signal| signal.consumed_by).collect();
    assert_eq!(consumed_by, [Some(1), Some(2)]);
}

async fn signals_are_deleted_with_their_run(fixture: Fixture) {
    let (run_id, other) = (waiting(&fixture).await, waiting(&fixture).await);
    for run_id in [run_id, other] {
        send(&fixture, run_id, signal(1, None)).await;
    }
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let changes = vec![Change::Cancel { stage_key: "a".into() }, cancel_run()];
    fixture.apply(decision(run_id, precondition, changes)).await;
    let purge = Purge {
        older_than: Duration::ZERO,
        include_undelivered: true,
        external_blobs: false,
        limit: 1,
        only: Some(run_id),
    };
    assert_eq!(fixture.store.purge_runs(&purge).await.unwrap(), [run_id]);
    assert_eq!(fixture.store.signals(run_id, None).await.unwrap(), []);
    assert_eq!(numbers(&fixture, other).await, [(1, false)]);
}

fn waits(after: Option<&crate::records::SignalWait>, limit: usize) -> SignalWaitQuery {
    SignalWaitQuery {
        stages: vec![(super::fixture::DEFINITION.into(), "a".into())],
        after: after.map(|wait| (wait.deadline, wait.run_id, wait.stage_key())),
        limit,
    }
}

async fn waits_are_listed_by_deadline_and_in_pages(fixture: Fixture) {
    let mut expected = Vec::new();
    for days in [3, 1, 2, 2, 5] {
        let (run_id, job) = fixture.running().await;
        let wait = Duration::from_secs(days * 86_400);
        fixture.apply(held(&job, vec![suspend(wait)])).await;
        expected.push((fixture.clock.now() + wait, run_id));
    }
    expected.sort();
    let (mut found, mut last) = (Vec::new(), None);
    loop {
        let page = fixture.store.signal_waits(&waits(last.as_ref(), 2)).await.unwrap();
        assert!(page.len() <= 2);
        let Some(end) = page.last().cloned() else { break };
        found.extend(page.into_iter().map(|wait| (wait.deadline, wait.run_id)));
        last = Some(end);
    }
    assert_eq!(found, expected);
    let first = fixture.store.signal_waits(&waits(None, 1)).await.unwrap().remove(0);
    assert_eq!((first.stage_id.as_str(), first.stage_name.as_str()), ("a", "Stage a"));
    assert_eq!((first.workflow_id.as_str(), first.asked_at), ("workflow", Some(fixture.clock.now())));
    assert_eq!(first.question, StoredValue::Inline(Json::parse("\"approve?\"").unwrap()));
    assert_eq!(first.definition_fingerprint, super::fixture::DEFINITION);
}

async fn a_stage_that_no_longer_waits_is_not_listed(fixture: Fixture) {
    let [waits_on, answered, cancelled] =
        [waiting(&fixture).await, waiting(&fixture).await, waiting(&fixture).await];
    send(&fixture, answered, signal(1, None)).await;
    let precondition = Precondition::Revision(fixture.revision(cancelled).await);
    let changes = vec![Change::Cancel { stage_key: "a".into() }, cancel_run()];
    fixture.apply(decision(cancelled, precondition, changes)).await;
    let found = fixture.store.signal_waits(&waits(None, 10)).await.unwrap();
    let runs: Vec<RunId> = found.into_iter().map(|wait| wait.run_id).collect();
    assert_eq!(runs, [waits_on]);
    let others = SignalWaitQuery {
        stages: vec![(super::fixture::DEFINITION.into(), "b".into()), ("other".into(), "a".into())],
        ..waits(None, 10)
    };
    assert_eq!(fixture.store.signal_waits(&others).await.unwrap(), []);
}

async fn the_definitions_of_suspended_stages_are_listed(fixture: Fixture) {
    assert_eq!(fixture.store.suspended_definitions().await.unwrap(), [""; 0]);
    waiting(&fixture).await;
    waiting(&fixture).await;
    let other = crate::ports::NewRun {
        definition_fingerprint: "another".into(),
        ..super::fixture::new_run()
    };
    let run_id = fixture.create_as(other).await;
    let start = Change::StartRun { stages: new_stages(&[("a", 0)]), waiting_on: 1 };
    let claim = Some(super::fixture::claim("worker"));
    let enqueue = Change::Enqueue { stage_key: "a".into(), max_attempts: 3, max_crashes: 3, claim };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let applied = fixture.apply(decision(run_id, precondition, vec![start, enqueue])).await;
    fixture.apply(held(&applied.claimed[0], vec![suspend(WEEK)])).await;
    let found = fixture.store.suspended_definitions().await.unwrap();
    assert_eq!(found, ["another", super::fixture::DEFINITION]);
}
