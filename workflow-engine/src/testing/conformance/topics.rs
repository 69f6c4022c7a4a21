//! Cases about listing and summing AI calls by run and by topic.

use super::fixture::{Fixture, call, held, reserve, settle};
use crate::ledger::{CallOutcome, CallReservation, CallSums, SettledCall};
use crate::value::{CallId, Cost};

cases![
    trap_17_a_topic_is_whole_segments,
    trap_17_pattern_characters_are_literal,
    sums_are_grouped_by_model,
    sums_saturate_at_the_largest_amount,
    calls_of_a_run_are_paged,
    calls_of_a_topic_are_paged,
];

/// Reserves calls with these topics outside of runs.
async fn outside(fixture: &Fixture, topics: &[&str]) {
    for topic in topics {
        fixture.store.reserve_call(CallId::generate(), call(topic, 1)).await.unwrap();
    }
}

async fn topics(fixture: &Fixture, topic: &str) -> Vec<String> {
    let calls = fixture.store.calls_of_topic(topic, None, usize::MAX).await.unwrap();
    let count = fixture.store.call_statistics(topic).await.unwrap().total.calls;
    assert_eq!(count, calls.len() as u64, "the sums count the same calls");
    calls.into_iter().map(|call| call.topic).collect()
}

async fn trap_17_a_topic_is_whole_segments(fixture: Fixture) {
    let all = ["run-1", "run-1.a", "run-1.a.b", "run-10", "run-10.a", "run-1-b", "run-1 ", "run-1/a", "run"];
    outside(&fixture, &all).await;
    assert_eq!(topics(&fixture, "run-1").await, ["run-1", "run-1.a", "run-1.a.b"]);
    assert_eq!(topics(&fixture, "run-10").await, ["run-10", "run-10.a"]);
    assert_eq!(topics(&fixture, "run-1.a").await, ["run-1.a", "run-1.a.b"]);
    assert_eq!(topics(&fixture, "run").await, ["run"]);
    assert!(topics(&fixture, "ru").await.is_empty());
    assert!(topics(&fixture, "run-1.").await.is_empty());
}

async fn trap_17_pattern_characters_are_literal(fixture: Fixture) {
    outside(&fixture, &["a_b", "axb", "a%", "a%.c", "abc.c", "a*b", "A_b", "größe.ß"]).await;
    assert_eq!(topics(&fixture, "a_b").await, ["a_b"]);
    assert_eq!(topics(&fixture, "a%").await, ["a%", "a%.c"]);
    assert_eq!(topics(&fixture, "a*b").await, ["a*b"]);
    assert_eq!(topics(&fixture, "größe").await, ["größe.ß"]);
    assert!(topics(&fixture, "%").await.is_empty());
}

async fn sums_are_grouped_by_model(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let [first, second, third] = [(); 3].map(|()| CallId::generate());
    let of = |model: &str| CallReservation { model_key: model.into(), ..call("t.x", 10) };
    let changes = vec![
        reserve("a", first, of("b")),
        reserve("a", second, of("a")),
        reserve("a", third, of("b")),
        settle("a", first, 4),
        settle("a", second, 5),
    ];
    fixture.apply(held(&job, changes)).await;
    let outside = CallId::generate();
    fixture.store.reserve_call(outside, of("b")).await.unwrap();
    fixture.store.settle_call(outside, CallOutcome::Failed { error: "no".into() }).await.unwrap();
    let statistics = fixture.store.call_statistics("t").await.unwrap();
    let settled = |cost| CallSums {
        calls: 1,
        settled: 1,
        input_tokens: 3,
        output_tokens: 4,
        cost: Cost::from_picodollars(cost),
        ..CallSums::default()
    };
    let reserved = Cost::from_picodollars(10);
    let of_b = CallSums { calls: 3, failed: 1, reserved, ..settled(4) };
    assert_eq!(statistics.by_model, [("a".to_owned(), settled(5)), ("b".to_owned(), of_b)]);
    let total = CallSums {
        calls: 4,
        settled: 2,
        input_tokens: 6,
        output_tokens: 8,
        cost: Cost::from_picodollars(9),
        ..of_b
    };
    assert_eq!(statistics.total, total);
    assert_eq!(fixture.store.call_statistics("unknown").await.unwrap().total, CallSums::default());
}

async fn sums_saturate_at_the_largest_amount(fixture: Fixture) {
    for _ in 0..3 {
        let id = CallId::generate();
        fixture.store.reserve_call(id, call("t", 1)).await.unwrap();
        let settled = SettledCall { cost: Cost::MAX, ..SettledCall::default() };
        fixture.store.settle_call(id, CallOutcome::Settled(settled)).await.unwrap();
    }
    let statistics = fixture.store.call_statistics("t").await.unwrap();
    assert_eq!((statistics.total.cost, statistics.total.settled), (Cost::MAX, 3));
}

async fn calls_of_a_run_are_paged(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let mut ids: Vec<CallId> = (0..5).map(|_| CallId::generate()).collect();
    fixture.apply(held(&job, ids.iter().map(|id| reserve("a", *id, call("t", 1))).collect())).await;
    outside(&fixture, &["t"]).await;
    ids.sort();
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = fixture.store.calls_of_run(run_id, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page.iter().map(|call| call.id));
    }
    assert_eq!(found, ids);
}

async fn calls_of_a_topic_are_paged(fixture: Fixture) {
    outside(&fixture, &["t.b", "t", "t.a", "t.b", "u", "t.a.x", "t.b"]).await;
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = fixture.store.calls_of_topic("t", after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.topic.clone(), last.id));
        found.extend(page.into_iter().map(|call| (call.topic, call.id)));
    }
    assert!(found.is_sorted());
    let topics: Vec<&str> = found.iter().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(topics, ["t", "t.a", "t.a.x", "t.b", "t.b", "t.b"]);
}
