//! Cases about the ledger: what it records about AI calls, and what happens to calls that are never settled.

use std::time::Duration;

use super::fixture::{
    Fixture, call, cancel_run, complete, decision, enqueue, fail_run, held, inline, json, release_run,
    reserve, settle, stale,
};
use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::ports::{Change, Clock, Commit, Decision, Precondition, Purge, RerunStage};
use crate::records::{AiCallRecord, CallStatus, CallType, ClaimedJob, CostSummary};
use crate::value::{CallId, Cost, Place, RunId, StageKey};

cases![
    a_call_is_stored_unchanged,
    a_reservation_counts_for_stage_and_run,
    the_outcome_of_a_call_decides_what_stays_reserved,
    repeated_reservations_and_outcomes_count_once,
    every_change_that_ends_a_lease_leaves_its_calls_unknown,
    a_reaped_lease_leaves_its_calls_unknown,
    unknown_calls_stay_unknown_in_a_rerun,
    the_calls_of_other_stages_stay_reserved,
    a_lost_lease_writes_nothing,
    ten_thousand_small_costs_are_summed_exactly,
    a_rerun_adds_to_the_cost_summary,
    calls_are_deleted_with_their_run,
    calls_outside_of_runs_belong_to_no_stage,
];

async fn calls(fixture: &Fixture, run_id: RunId) -> Vec<AiCallRecord> {
    fixture.store.calls_of_run(run_id, None, usize::MAX).await.unwrap()
}

async fn spending(fixture: &Fixture, run_id: RunId) -> CostSummary {
    let (run, stage) = (fixture.run(run_id).await.spending, fixture.stage(run_id, "a").await.spending);
    assert_eq!(run, stage, "one stage makes all calls");
    run
}

fn end(call_id: CallId, end: CallOutcome) -> Change {
    Change::SettleCall { stage_key: "a".into(), call_id, end: Box::new(end) }
}

/// A summary of cost, tokens, reserved amount and pending calls.
fn spent(cost: i64, tokens: u64, reserved: i64, pending_calls: u32) -> CostSummary {
    let (cost, reserved) = (Cost::from_picodollars(cost), Cost::from_picodollars(reserved));
    CostSummary { cost, tokens, reserved, pending_calls, budget: None }
}

async fn a_call_is_stored_unchanged(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let id = CallId::generate();
    let odd = "größe\u{1a} '; DROP TABLE workflow_ai_calls; -- \u{0}";
    let reserved_call = CallReservation {
        topic: "workflow.1.stage.a".into(),
        call_type: CallType::Object,
        model_key: odd.into(),
        model_id: odd.into(),
        prompt: Some(odd.into()),
        metadata: Some(json(&[odd])),
        reserve: Cost::MAX,
    };
    fixture.apply(held(&job, vec![reserve("a", id, reserved_call.clone())])).await;
    let expected = AiCallRecord {
        id,
        run_id: Some(run_id),
        stage_id: Some("a".into()),
        place: Place::default(),
        generation: 1,
        attempt: 1,
        topic: reserved_call.topic,
        call_type: reserved_call.call_type,
        model_key: reserved_call.model_key,
        model_id: reserved_call.model_id,
        prompt: reserved_call.prompt,
        response: None,
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        cost: Cost::ZERO,
        reserved: Cost::MAX,
        metadata: reserved_call.metadata,
        outcome: CallStatus::Reserved,
        error_message: None,
        created_at: fixture.clock.now(),
        ended_at: None,
    };
    assert_eq!(calls(&fixture, run_id).await, std::slice::from_ref(&expected));

    fixture.clock.advance(Duration::from_secs(5));
    let cost = Cost::from_picodollars(i64::MAX - 1);
    let settled = SettledCall {
        response: Some(odd.into()),
        input_tokens: u64::from(u32::MAX) + 1,
        cached_input_tokens: 2,
        output_tokens: 3,
        cost,
        metadata: None,
    };
    fixture.apply(held(&job, vec![end(id, CallOutcome::Settled(settled.clone()))])).await;
    let ended = AiCallRecord {
        response: settled.response,
        input_tokens: settled.input_tokens,
        cached_input_tokens: 2,
        output_tokens: 3,
        cost,
        reserved: Cost::ZERO,
        outcome: CallStatus::Settled,
        ended_at: Some(fixture.clock.now()),
        ..expected
    };
    assert_eq!(calls(&fixture, run_id).await, std::slice::from_ref(&ended));
    assert_eq!(fixture.store.calls_of_topic("workflow", None, 9).await.unwrap(), [ended]);
}

async fn a_reservation_counts_for_stage_and_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let before = fixture.events(run_id).await;
    for cost in [7, 5] {
        fixture.apply(held(&job, vec![reserve("a", CallId::generate(), call("t", cost))])).await;
    }
    assert_eq!(spending(&fixture, run_id).await, spent(0, 0, 12, 2));
    assert_eq!(fixture.snapshot(run_id).await.run.spending, spent(0, 0, 12, 2));
    assert_eq!(fixture.events(run_id).await, before, "a reservation emits no event");
}

async fn the_outcome_of_a_call_decides_what_stays_reserved(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let [settled, failed, unknown] = [(); 3].map(|()| CallId::generate());
    let reservations = [(settled, 100), (failed, 20), (unknown, 3)];
    let reservations = reservations.map(|(id, cost)| reserve("a", id, call("t", cost)));
    fixture.apply(held(&job, reservations.into())).await;
    assert_eq!(spending(&fixture, run_id).await, spent(0, 0, 123, 3));
    let metadata = Some(json(&1));
    let ends = vec![
        settle("a", settled, 40),
        end(failed, CallOutcome::Failed { error: "refused".into() }),
        end(unknown, CallOutcome::Unknown { error: "cut off".into() }),
    ];
    fixture.apply(held(&job, ends)).await;
    assert_eq!(spending(&fixture, run_id).await, spent(40, 7, 3, 0));
    let status =
        |call: &AiCallRecord| (call.outcome, call.reserved.picodollars(), call.error_message.clone());
    let rows = calls(&fixture, run_id).await;
    assert_eq!(
        rows.iter().map(status).collect::<Vec<_>>(),
        [
            (CallStatus::Settled, 0, None),
            (CallStatus::Failed, 0, Some("refused".into())),
            (CallStatus::Unknown, 3, Some("cut off".into())),
        ]
    );
    // A reservation and its outcome in one commit; the metadata of the outcome replaces that of the reservation.
    let id = CallId::generate();
    let reserved_call = CallReservation { metadata: Some(json(&0)), ..call("t", 9) };
    let settled = SettledCall { metadata: metadata.clone(), ..SettledCall::default() };
    let both = vec![reserve("a", id, reserved_call), end(id, CallOutcome::Settled(settled))];
    fixture.apply(held(&job, both)).await;
    let last = calls(&fixture, run_id).await.pop().unwrap();
    assert_eq!((last.id, last.outcome, last.metadata), (id, CallStatus::Settled, metadata));
    assert_eq!(spending(&fixture, run_id).await, spent(40, 7, 3, 0));
}

async fn repeated_reservations_and_outcomes_count_once(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let id = CallId::generate();
    for _ in 0..2 {
        fixture.apply(held(&job, vec![reserve("a", id, call("t", 10))])).await;
    }
    assert_eq!(spending(&fixture, run_id).await, spent(0, 0, 10, 1));
    let unknown = end(CallId::generate(), CallOutcome::Failed { error: "it was not made".into() });
    fixture.apply(held(&job, vec![settle("a", id, 4), settle("a", id, 5), unknown])).await;
    fixture.apply(held(&job, vec![end(id, CallOutcome::Unknown { error: "no".into() })])).await;
    fixture.apply(held(&job, vec![reserve("a", id, call("t", 10))])).await;
    assert_eq!(spending(&fixture, run_id).await, spent(4, 7, 0, 0));
    assert_eq!(calls(&fixture, run_id).await.len(), 1);
}

async fn check_unknown(fixture: &Fixture, run_id: RunId, case: &str) {
    assert_eq!(spending(fixture, run_id).await, spent(2, 7, 10, 0), "{case}");
    let rows = calls(fixture, run_id).await;
    let outcomes: Vec<_> = rows.iter().map(|call| (call.outcome, call.reserved.picodollars())).collect();
    assert_eq!(outcomes, [(CallStatus::Unknown, 10), (CallStatus::Settled, 0)], "{case}");
    assert_eq!(rows[0].ended_at, Some(fixture.clock.now()), "{case}");
    assert!(rows[0].error_message.is_some(), "{case}");
}

/// A run whose stage has a pending call and another one, which the returned change settles.
async fn two_calls(fixture: &Fixture) -> (RunId, ClaimedJob, Change) {
    let (run_id, job) = fixture.running().await;
    let (pending, ended) = (CallId::generate(), CallId::generate());
    let changes = vec![reserve("a", pending, call("t", 10)), reserve("a", ended, call("t", 5))];
    fixture.apply(held(&job, changes)).await;
    fixture.clock.advance(Duration::from_secs(1));
    (run_id, job, settle("a", ended, 2))
}

async fn every_change_that_ends_a_lease_leaves_its_calls_unknown(fixture: Fixture) {
    let stage_key = || StageKey::from("a");
    let error = || "no".to_owned();
    let hour = Duration::from_secs(3_600);
    let ways: [(&str, Vec<Change>); 7] = [
        ("completed", vec![complete("a"), release_run()]),
        ("retried", vec![Change::Retry { stage_key: stage_key(), error: error(), delay: hour }]),
        ("returned", vec![Change::ReturnJob { stage_key: stage_key(), reason: "the worker stops".into() }]),
        (
            "suspended",
            vec![Change::Suspend {
                stage_key: stage_key(),
                ticket: inline("ticket"),
                check_after: hour,
                give_up_after: hour,
                awaits_signal: false,
            }],
        ),
        ("failed", vec![Change::Fail { stage_key: stage_key(), error: error() }, fail_run()]),
        ("cancelled", vec![Change::Cancel { stage_key: stage_key() }, cancel_run()]),
        (
            "waits for its budget",
            vec![Change::AwaitBudget {
                stage_key: stage_key(),
                error: error(),
                reserve: Cost::MAX,
                budget: Some(Cost::ZERO),
            }],
        ),
    ];
    for (way, changes) in ways {
        let (run_id, job, settled) = two_calls(&fixture).await;
        let changes = std::iter::once(settled).chain(changes).collect();
        fixture.apply(held(&job, changes)).await;
        check_unknown(&fixture, run_id, way).await;
    }
    // So does a structural change, which is decided under the run's lock.
    let (run_id, job, settled) = two_calls(&fixture).await;
    fixture.apply(held(&job, vec![settled])).await;
    let decide = Box::new(move |_: Option<&_>| {
        let changes = vec![Change::Cancel { stage_key: "a".into() }, cancel_run()];
        Some(Decision { run_id, command: "test", precondition: Precondition::Present, idempotency: None, changes })
    });
    fixture.store.commit_locked(run_id, decide).await.unwrap();
    check_unknown(&fixture, run_id, "cancelled under the lock").await;
}

async fn a_reaped_lease_leaves_its_calls_unknown(fixture: Fixture) {
    let (run_id, job, settled) = two_calls(&fixture).await;
    fixture.apply(held(&job, vec![settled])).await;
    fixture.clock.advance(super::fixture::LEASE);
    let retry = Change::Retry { stage_key: "a".into(), error: "lost".into(), delay: Duration::ZERO };
    let reap = || decision(run_id, Precondition::ExpiredLease(job.lease.clone()), vec![retry.clone()]);
    fixture.apply(reap()).await;
    check_unknown(&fixture, run_id, "reaped").await;
    // Reaping again does not touch the calls of the next attempt.
    let again = fixture.claim("another").await;
    let id = CallId::generate();
    fixture.apply(held(&again, vec![reserve("a", id, call("t", 7))])).await;
    assert_eq!(fixture.commit(reap()).await, Commit::PreconditionFailed);
    assert_eq!(spending(&fixture, run_id).await, spent(2, 7, 17, 1));
    let last = calls(&fixture, run_id).await.pop().unwrap();
    assert_eq!((last.id, last.attempt, last.outcome), (id, 2, CallStatus::Reserved));
}

async fn unknown_calls_stay_unknown_in_a_rerun(fixture: Fixture) {
    let (run_id, job, settled) = two_calls(&fixture).await;
    fixture.apply(held(&job, vec![settled])).await;
    let changes = vec![Change::Cancel { stage_key: "a".into() }, cancel_run()];
    fixture.apply(decision(run_id, Precondition::Present, changes)).await;
    check_unknown(&fixture, run_id, "its job is deleted").await;
    let rerun =
        Change::Rerun { stages: vec![RerunStage { stage_key: "a".into(), waiting_on: 0 }], waiting_on: 1 };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![rerun, enqueue("a")])).await;
    check_unknown(&fixture, run_id, "rerun").await;
}

async fn the_calls_of_other_stages_stay_reserved(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    for job in &jobs {
        let stage = &job.lease.stage_key;
        fixture.apply(held(job, vec![reserve(stage, CallId::generate(), call("t", 1))])).await;
    }
    fixture.apply(held(&jobs[0], vec![complete(&jobs[0].lease.stage_key), release_run()])).await;
    let mut rows = calls(&fixture, run_id).await;
    rows.retain(|call| call.outcome == CallStatus::Reserved);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].stage_key().as_ref(), Some(&jobs[1].lease.stage_key));
    assert_eq!(fixture.run(run_id).await.spending, spent(0, 0, 2, 1));
}

async fn a_lost_lease_writes_nothing(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let id = CallId::generate();
    let late = decision(run_id, Precondition::Lease(stale(&job)), vec![reserve("a", id, call("t", 1))]);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    fixture.apply(held(&job, vec![reserve("a", id, call("t", 1))])).await;
    let late = decision(run_id, Precondition::Lease(stale(&job)), vec![settle("a", id, 1)]);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    assert_eq!(spending(&fixture, run_id).await, spent(0, 0, 1, 1));
}

/// Each call costs a tenth of a millionth of a dollar.
async fn ten_thousand_small_costs_are_summed_exactly(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    for _ in 0..10 {
        let ids: Vec<CallId> = (0..1_000).map(|_| CallId::generate()).collect();
        let reservations = ids.iter().map(|id| reserve("a", *id, call("exact", 1_000_000))).collect();
        fixture.apply(held(&job, reservations)).await;
        fixture.apply(held(&job, ids.iter().map(|id| settle("a", *id, 100_000)).collect())).await;
    }
    let run = spending(&fixture, run_id).await;
    assert_eq!((run.cost.to_string().as_str(), run.tokens), ("0.001 USD", 70_000));
    assert_eq!((run.reserved, run.pending_calls), (Cost::ZERO, 0));
    let statistics = fixture.store.call_statistics("exact").await.unwrap();
    assert_eq!((statistics.total.calls, statistics.total.settled), (10_000, 10_000));
    assert_eq!(statistics.total.cost.to_string(), "0.001 USD");
}

async fn a_rerun_adds_to_the_cost_summary(fixture: Fixture) {
    let (run_id, job, settled) = two_calls(&fixture).await;
    fixture.apply(held(&job, vec![settled, complete("a"), release_run()])).await;
    let rerun =
        Change::Rerun { stages: vec![RerunStage { stage_key: "a".into(), waiting_on: 0 }], waiting_on: 1 };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![rerun, enqueue("a")])).await;
    assert_eq!(spending(&fixture, run_id).await, spent(2, 7, 10, 0));
    let again = fixture.claim("worker").await;
    let id = CallId::generate();
    fixture.apply(held(&again, vec![reserve("a", id, call("t", 9)), settle("a", id, 3)])).await;
    assert_eq!(spending(&fixture, run_id).await, spent(5, 14, 10, 0));
    let generations: Vec<u32> = calls(&fixture, run_id).await.iter().map(|call| call.generation).collect();
    assert_eq!(generations, [1, 1, 2]);
}

async fn calls_are_deleted_with_their_run(fixture: Fixture) {
    let (run_id, job, settled) = two_calls(&fixture).await;
    fixture.apply(held(&job, vec![settled, complete("a"), release_run()])).await;
    fixture.store.reserve_call(CallId::generate(), call("t", 1)).await.unwrap();
    fixture.clock.advance(Duration::from_secs(10));
    let purge =
        Purge { older_than: Duration::ZERO, include_undelivered: true, external_blobs: false, limit: 10, only: None };
    assert_eq!(fixture.store.purge_runs(&purge).await.unwrap(), [run_id]);
    assert!(calls(&fixture, run_id).await.is_empty());
    let left = fixture.store.calls_of_topic("t", None, 10).await.unwrap();
    assert_eq!(left.iter().map(|call| call.run_id).collect::<Vec<_>>(), [None]);
}

async fn calls_outside_of_runs_belong_to_no_stage(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let (outside, inside) = (CallId::generate(), CallId::generate());
    fixture.apply(held(&job, vec![reserve("a", inside, call("in", 1))])).await;
    for reserve in [4, 5] {
        // The second reservation of the same call has no effect.
        fixture.store.reserve_call(outside, call("out", reserve)).await.unwrap();
    }
    let row = fixture.store.calls_of_topic("out", None, 9).await.unwrap().pop().unwrap();
    assert_eq!((row.run_id, row.stage_id, row.generation, row.attempt), (None, None, 0, 0));
    assert_eq!((row.reserved.picodollars(), row.created_at), (4, fixture.clock.now()));
    let settled = |cost| {
        CallOutcome::Settled(SettledCall { cost: Cost::from_picodollars(cost), ..SettledCall::default() })
    };
    for (id, cost) in [(outside, 2), (outside, 3), (inside, 1)] {
        fixture.store.settle_call(id, settled(cost)).await.unwrap();
    }
    let row = fixture.store.calls_of_topic("out", None, 9).await.unwrap().pop().unwrap();
    assert_eq!((row.outcome, row.cost.picodollars(), row.reserved), (CallStatus::Settled, 2, Cost::ZERO));
    assert_eq!(row.ended_at, Some(fixture.clock.now()));
    assert_eq!(calls(&fixture, run_id).await[0].outcome, CallStatus::Reserved, "only its stage settles it");
    // Nor does a stage settle a call that is not its own.
    let other = CallId::generate();
    fixture.store.reserve_call(other, call("out", 1)).await.unwrap();
    fixture.apply(held(&job, vec![settle("a", other, 1)])).await;
    assert_eq!(spending(&fixture, run_id).await, spent(0, 0, 1, 1));
}
