//! Cases about costs over time: they are exact, counted once, and outlive the runs.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::fixture::{Fixture, call, cancel_run, complete, decision, held, release_run, reserve, settle};
use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::ports::{Change, Clock, CostQuery, ExpensiveRunsQuery, Precondition, Purge};
use crate::records::{ClaimedJob, CostGroup, CostKey, CostSums, UnfinishedCosts};
use crate::value::{CallId, Cost, RunId};

cases![
    a_call_counts_once_before_and_after_it_is_summed_up,
    costs_stay_when_their_runs_are_deleted,
    reserved_and_unknown_amounts_are_apart_from_costs,
    a_call_that_is_settled_late_counts_in_its_own_hour,
    costs_are_grouped_by_every_key,
    a_range_begins_and_ends_with_a_full_hour,
    sums_of_costs_are_exact_and_stop_at_the_largest_amount,
    two_processes_that_sum_up_at_the_same_time_count_each_call_once,
    the_costs_of_unfinished_runs_are_summed_up,
    expensive_runs_are_found_among_the_next_runs,
];

const ALL: usize = usize::MAX;

async fn costs(fixture: &Fixture, by: &[CostKey]) -> Vec<CostGroup> {
    let query = CostQuery { by: by.to_vec(), limit: 1_000, ..CostQuery::default() };
    fixture.store.costs(&query).await.unwrap()
}

/// Returns the sums over all calls.
async fn total(fixture: &Fixture) -> CostSums {
    let groups = costs(fixture, &[]).await;
    assert!(groups.len() <= 1, "{groups:?}");
    groups.first().map(|group| group.sums).unwrap_or_default()
}

/// Sums of calls with three input and four output tokens each.
fn settled(calls: u64, cost: i64) -> CostSums {
    let cost = Cost::from_picodollars(cost);
    CostSums { calls, input_tokens: 3 * calls, output_tokens: 4 * calls, cost, ..CostSums::default() }
}

/// Reserves a call of this model, and settles it.
async fn make_call(fixture: &Fixture, job: &ClaimedJob, model: &str, cost: i64) {
    let id = CallId::generate();
    let call = CallReservation { model_key: model.into(), ..call("t", cost) };
    fixture.apply(held(job, vec![reserve("a", id, call), settle("a", id, cost)])).await;
}

async fn purge(fixture: &Fixture) -> usize {
    let purge = Purge {
        older_than: Duration::ZERO,
        include_undelivered: true,
        external_blobs: false,
        limit: 100,
        only: None,
    };
    fixture.store.purge_runs(&purge).await.unwrap().len()
}

fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap()
}

async fn a_call_counts_once_before_and_after_it_is_summed_up(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    for cost in [100, 20, 3] {
        make_call(&fixture, &job, "m", cost).await;
    }
    assert_eq!(total(&fixture).await, settled(3, 123));
    assert_eq!(fixture.store.calls_to_roll_up(2).await.unwrap(), 2);
    assert_eq!(fixture.store.roll_up_calls(2).await.unwrap(), 2);
    assert_eq!(total(&fixture).await, settled(3, 123));
    assert_eq!(fixture.store.roll_up_calls(ALL).await.unwrap(), 1);
    assert_eq!(fixture.store.roll_up_calls(ALL).await.unwrap(), 0);
    assert_eq!(fixture.store.calls_to_roll_up(2).await.unwrap(), 0);
    assert_eq!(total(&fixture).await, settled(3, 123));
    make_call(&fixture, &job, "m", 7).await;
    assert_eq!(total(&fixture).await, settled(4, 130));
}

async fn costs_stay_when_their_runs_are_deleted(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    make_call(&fixture, &job, "m", 100).await;
    fixture.store.roll_up_calls(ALL).await.unwrap();
    make_call(&fixture, &job, "m", 20).await;
    let lost = CallId::generate();
    fixture.apply(held(&job, vec![reserve("a", lost, call("t", 3))])).await;
    let by = [CostKey::Workflow, CostKey::Stage, CostKey::Model];
    let before = costs(&fixture, &by).await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![cancel_run()])).await;
    assert_eq!(purge(&fixture).await, 1);
    let after = costs(&fixture, &by).await;
    assert_eq!(after.len(), before.len());
    let [of_model, of_lost] = after.as_slice() else { panic!("{after:?}") };
    assert_eq!(of_model, &before[0]);
    assert_eq!((of_model.workflow_id.as_deref(), of_model.stage_id.as_deref()), (Some("workflow"), Some("a")));
    assert_eq!((of_lost.sums.unknown_calls, of_lost.sums.unknown_cost.picodollars()), (1, 3));
    assert_eq!((of_lost.sums.pending_calls, of_lost.sums.reserved), (0, Cost::ZERO));
    assert_eq!(fixture.store.roll_up_calls(ALL).await.unwrap(), 0);
}

async fn reserved_and_unknown_amounts_are_apart_from_costs(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    make_call(&fixture, &job, "m", 100).await;
    let [failed, unknown, pending] = [(); 3].map(|()| CallId::generate());
    let end = |id, end| Change::SettleCall { stage_key: "a".into(), call_id: id, end: Box::new(end) };
    let changes = vec![
        reserve("a", failed, call("t", 5)),
        reserve("a", unknown, call("t", 6)),
        reserve("a", pending, call("t", 7)),
        end(failed, CallOutcome::Failed { error: "refused".into() }),
        end(unknown, CallOutcome::Unknown { error: "cut off".into() }),
    ];
    fixture.apply(held(&job, changes)).await;
    let expected = CostSums {
        calls: 4,
        failed_calls: 1,
        pending_calls: 1,
        reserved: Cost::from_picodollars(7),
        unknown_calls: 1,
        unknown_cost: Cost::from_picodollars(6),
        ..settled(1, 100)
    };
    assert_eq!(total(&fixture).await, expected);
    assert_eq!(fixture.store.roll_up_calls(ALL).await.unwrap(), 2, "the others may still be settled");
    assert_eq!(total(&fixture).await, expected);
    fixture.apply(held(&job, vec![settle("a", unknown, 4), settle("a", pending, 2)])).await;
    let expected = CostSums { calls: 4, failed_calls: 1, ..settled(3, 106) };
    assert_eq!(total(&fixture).await, expected);
    assert_eq!(fixture.store.roll_up_calls(ALL).await.unwrap(), 2);
    assert_eq!(total(&fixture).await, expected);
}

async fn a_call_that_is_settled_late_counts_in_its_own_hour(fixture: Fixture) {
    let id = CallId::generate();
    let made = fixture.clock.now();
    fixture.store.reserve_call(id, call("chat", 9)).await.unwrap();
    fixture.clock.advance(Duration::from_secs(3 * 3_600));
    let later = CallId::generate();
    fixture.store.reserve_call(later, call("chat", 9)).await.unwrap();
    let outcome = |cost| {
        let cost = Cost::from_picodollars(cost);
        CallOutcome::Settled(SettledCall { input_tokens: 3, output_tokens: 4, cost, ..SettledCall::default() })
    };
    fixture.store.settle_call(later, outcome(1)).await.unwrap();
    fixture.store.roll_up_calls(ALL).await.unwrap();
    fixture.store.settle_call(id, outcome(2)).await.unwrap();
    for _ in 0..2 {
        let hours = costs(&fixture, &[CostKey::Hour, CostKey::Workflow, CostKey::Stage]).await;
        let hours: Vec<_> = hours.into_iter().map(|group| (group.at, group.workflow_id, group.sums)).collect();
        let now = fixture.clock.now();
        assert_eq!(
            hours,
            [(Some(hour(made)), None, settled(1, 2)), (Some(hour(now)), None, settled(1, 1))],
            "a call outside of runs has no workflow"
        );
        fixture.store.roll_up_calls(ALL).await.unwrap();
    }
}

async fn costs_are_grouped_by_every_key(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let first = fixture.clock.now();
    make_call(&fixture, &job, "b", 1).await;
    fixture.clock.advance(Duration::from_secs(26 * 3_600));
    make_call(&fixture, &job, "a", 2).await;
    make_call(&fixture, &job, "b", 4).await;
    fixture.store.roll_up_calls(2).await.unwrap();
    let day = |at: DateTime<Utc>| at.duration_trunc(TimeDelta::days(1)).unwrap();
    let (first, second) = (day(first), day(fixture.clock.now()));
    let groups = costs(&fixture, &[CostKey::Day, CostKey::Model]).await;
    let groups: Vec<_> =
        groups.iter().map(|group| (group.at, group.model_key.as_deref(), group.sums.cost.picodollars())).collect();
    assert_eq!(
        groups,
        [(Some(first), Some("b"), 1), (Some(second), Some("a"), 2), (Some(second), Some("b"), 4)]
    );
    let by = |groups: Vec<CostGroup>| -> Vec<_> {
        groups
            .into_iter()
            .map(|group| (group.at, group.workflow_id, group.stage_id, group.model_key, group.sums.calls))
            .collect()
    };
    assert_eq!(by(costs(&fixture, &[CostKey::Workflow]).await), [(None, Some("workflow".into()), None, None, 3)]);
    assert_eq!(by(costs(&fixture, &[CostKey::Stage]).await), [(None, None, Some("a".into()), None, 3)]);
    assert_eq!(by(costs(&fixture, &[CostKey::Day]).await).len(), 2);
    let limited = CostQuery { by: vec![CostKey::Day], limit: 1, ..CostQuery::default() };
    assert_eq!(fixture.store.costs(&limited).await.unwrap()[0].at, Some(first));
}

async fn a_range_begins_and_ends_with_a_full_hour(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let begin = hour(fixture.clock.now()) + TimeDelta::hours(1);
    for cost in [1, 10, 100] {
        let next = hour(fixture.clock.now()) + TimeDelta::hours(1);
        fixture.clock.advance((next - fixture.clock.now()).to_std().unwrap());
        make_call(&fixture, &job, "m", cost).await;
        fixture.store.roll_up_calls(1).await.unwrap();
        make_call(&fixture, &job, "m", cost).await;
    }
    for (from, until, cost) in
        [(None, None, 222), (Some(1), None, 220), (None, Some(1), 2), (Some(1), Some(2), 20), (Some(3), None, 0)]
    {
        let at = |hours: Option<i64>| hours.map(|hours| begin + TimeDelta::hours(hours));
        let query = CostQuery { from: at(from), until: at(until), by: Vec::new(), limit: 10 };
        let groups = fixture.store.costs(&query).await.unwrap();
        let sum: Cost = groups.iter().map(|group| group.sums.cost).sum();
        assert_eq!(sum.picodollars(), cost, "{from:?} {until:?}");
    }
}

async fn sums_of_costs_are_exact_and_stop_at_the_largest_amount(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let odd = 9_007_199_254_740_993;
    for cost in [odd, 1, 1] {
        make_call(&fixture, &job, "exact", cost).await;
    }
    for _ in 0..2 {
        make_call(&fixture, &job, "huge", i64::MAX - 1).await;
    }
    for _ in 0..2 {
        let costs = costs(&fixture, &[CostKey::Model]).await;
        let costs: Vec<_> = costs.iter().map(|group| group.sums.cost.picodollars()).collect();
        assert_eq!(costs, [odd + 2, i64::MAX]);
        fixture.store.roll_up_calls(ALL).await.unwrap();
    }
}

async fn two_processes_that_sum_up_at_the_same_time_count_each_call_once(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    for _ in 0..40 {
        make_call(&fixture, &job, "m", 1).await;
    }
    fixture.apply(held(&job, vec![complete("a"), release_run()])).await;
    let store = &fixture.store;
    let purge = Purge {
        older_than: Duration::ZERO,
        include_undelivered: true,
        external_blobs: false,
        limit: 1,
        only: Some(run_id),
    };
    let (first, second, purged) =
        tokio::join!(store.roll_up_calls(30), store.roll_up_calls(30), store.purge_runs(&purge));
    assert!(first.unwrap() + second.unwrap() <= 40);
    assert_eq!(purged.unwrap(), [run_id]);
    assert_eq!(total(&fixture).await, settled(40, 40));
}

async fn the_costs_of_unfinished_runs_are_summed_up(fixture: Fixture) {
    let (_, ended) = fixture.running().await;
    make_call(&fixture, &ended, "m", 1).await;
    fixture.apply(held(&ended, vec![complete("a"), release_run()])).await;
    fixture.create().await;
    let (_, job) = fixture.running().await;
    make_call(&fixture, &job, "m", 10).await;
    fixture.apply(held(&job, vec![reserve("a", CallId::generate(), call("t", 5))])).await;
    let (cost, reserved) = (Cost::from_picodollars(10), Cost::from_picodollars(5));
    let expected = UnfinishedCosts { runs: 2, is_exact: true, cost, reserved };
    assert_eq!(fixture.store.unfinished_costs().await.unwrap(), expected);
}

async fn expensive_runs_are_found_among_the_next_runs(fixture: Fixture) {
    let mut runs = Vec::new();
    for cost in [7, 0, 9, 2, 5] {
        let (run_id, job) = fixture.running().await;
        if cost > 0 {
            make_call(&fixture, &job, "m", cost).await;
        }
        let created_at = fixture.store.run(run_id).await.unwrap().unwrap().created_at;
        runs.insert(0, (run_id, created_at, Cost::from_picodollars(cost)));
    }
    let search = |after: Option<RunId>, candidates, least| {
        let query = ExpensiveRunsQuery { after, candidates, at_least: Cost::from_picodollars(least) };
        let store = fixture.store.clone();
        async move {
            let mut found = store.expensive_runs(&query).await.unwrap();
            found.runs.sort_by_key(|found| std::cmp::Reverse(found.0));
            found
        }
    };
    let place = |index: usize| Some((runs[index].0, runs[index].1));
    let found = search(None, 3, 5).await;
    assert_eq!((found.runs, found.last, found.candidates), (vec![runs[0], runs[2]], place(2), 3));
    let found = search(Some(runs[2].0), 3, 1).await;
    assert_eq!((found.runs, found.last, found.candidates), (vec![runs[4]], place(4), 2));
    let found = search(Some(runs[4].0), 3, 1).await;
    assert_eq!((found.runs, found.last, found.candidates), (Vec::new(), None, 0));
}
