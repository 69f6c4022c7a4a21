//! A case about batch calls, whose outcomes arrive after the attempt that reserved them.

use std::time::Duration;

use super::fixture::{Fixture, held, inline};
use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::ports::{Change, Precondition};
use crate::records::{CallStatus, CallType, CostSummary};
use crate::value::{CallId, Cost};

cases![a_later_attempt_settles_an_unknown_call];

const HOUR: Duration = Duration::from_secs(3_600);

fn reserve(call_id: CallId) -> Change {
    let call = CallReservation {
        topic: "t".into(),
        call_type: CallType::Batch,
        model_key: "model".into(),
        model_id: "model-1".into(),
        prompt: None,
        metadata: None,
        reserve: Cost::from_picodollars(10),
    };
    Change::ReserveCall { stage_key: "a".into(), call_id, call: Box::new(call), budget: None }
}

fn end(call_id: CallId, end: CallOutcome) -> Change {
    Change::SettleCall { stage_key: "a".into(), call_id, end: Box::new(end) }
}

fn settled(cost: i64) -> CallOutcome {
    let cost = Cost::from_picodollars(cost);
    CallOutcome::Settled(SettledCall { input_tokens: 3, output_tokens: 4, cost, ..SettledCall::default() })
}

async fn check(fixture: &Fixture, precondition: &Precondition, ends: Vec<Change>, expected: [i64; 3]) {
    let Precondition::Lease(lease) = precondition else { panic!("a check has a lease") };
    let decision = super::fixture::decision(lease.run_id, precondition.clone(), ends);
    fixture.apply(decision).await;
    let [cost, tokens, reserved] = expected;
    let expected = CostSummary {
        cost: Cost::from_picodollars(cost),
        tokens: tokens.unsigned_abs(),
        reserved: Cost::from_picodollars(reserved),
        pending_calls: 0,
        budget: None,
    };
    assert_eq!(fixture.stage(lease.run_id, "a").await.spending, expected);
    assert_eq!(fixture.run(lease.run_id).await.spending, expected);
}

async fn a_later_attempt_settles_an_unknown_call(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let [completed, refused, lost] = [(); 3].map(|()| CallId::generate());
    fixture.apply(held(&job, [completed, refused, lost].map(reserve).into())).await;
    let suspend = Change::Suspend {
        stage_key: "a".into(),
        ticket: inline("ticket"),
        check_after: HOUR,
        give_up_after: HOUR * 24,
        awaits_signal: false,
    };
    fixture.apply(held(&job, vec![suspend])).await;
    fixture.clock.advance(HOUR);
    let lease = Precondition::Lease(fixture.claim("another").await.lease);

    // Without news the call stays unknown and fully reserved.
    let still = || CallOutcome::Unknown { error: "still".into() };
    check(&fixture, &lease, vec![end(lost, still())], [0, 0, 30]).await;
    let ends = vec![end(completed, settled(4)), end(refused, CallOutcome::Failed { error: "no".into() })];
    check(&fixture, &lease, ends, [4, 7, 10]).await;
    // A settled or failed call does not change.
    let again = vec![end(completed, settled(5)), end(refused, settled(5)), end(completed, still())];
    check(&fixture, &lease, again, [4, 7, 10]).await;

    let calls = fixture.store.calls_of_run(run_id, None, 9).await.unwrap();
    let mut outcomes: Vec<_> = calls.iter().map(|call| (call.id, call.outcome)).collect();
    outcomes.sort_unstable_by_key(|(id, _)| *id);
    let mut expected =
        vec![(completed, CallStatus::Settled), (refused, CallStatus::Failed), (lost, CallStatus::Unknown)];
    expected.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(outcomes, expected);
    let unknown = calls.iter().find(|call| call.id == lost).unwrap();
    assert_ne!(unknown.error_message.as_deref(), Some("still"), "the first error is kept");
}
