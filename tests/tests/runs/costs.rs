//! Costs over time: who sums them up, and that they outlive the runs.

use std::time::Duration;

use chrono::TimeDelta;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{PurgeRuns, RollUpCosts};
use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
use workflow_engine::prelude::*;
use workflow_engine::records::{CallType, CostKey};

fn call(model: &str) -> CallReservation {
    CallReservation {
        topic: "chat".into(),
        call_type: CallType::Text,
        model_key: model.into(),
        model_id: "model-1".into(),
        prompt: None,
        metadata: None,
        reserve: "1 USD".parse().unwrap(),
    }
}

fn settled(cost: &str) -> CallOutcome {
    CallOutcome::Settled(SettledCall { cost: cost.parse().unwrap(), ..SettledCall::default() })
}

#[stage]
async fn think(cost: String, ctx: &StageContext) -> StageResult<String> {
    let id = ctx.ledger().reserve(call("thinker")).await?;
    ctx.ledger().settle(id, settled(&cost)).await?;
    Ok(cost)
}

workflow! { Thinking = think }

async fn costs_outlive_their_runs(world: World) {
    let engine = world.engine().register::<Thinking>().build().await.unwrap();
    for cost in ["0.0000001 USD", "0.25 USD"] {
        engine.start::<Thinking>(ThinkInput { cost: cost.into() }).await.unwrap().output().await.unwrap();
    }
    let by = [CostKey::Workflow, CostKey::Stage, CostKey::Model];
    let before = engine.costs(.., by).await.unwrap();
    assert_eq!(before.total.cost.to_string(), "0.2500001 USD");
    assert_eq!((before.total.calls, before.is_complete), (2, true));
    let group = &before.groups[0];
    assert_eq!(group.workflow_id.as_deref(), Some("thinking"));
    assert_eq!((group.stage_id.as_deref(), group.model_key.as_deref()), (Some("think"), Some("thinker")));

    world.clock.advance(Duration::from_secs(60));
    let purge = PurgeRuns { include_undelivered: true, ..PurgeRuns::older_than(Duration::ZERO) };
    assert_eq!(engine.dispatch(purge).await.unwrap().runs.len(), 2);
    let after = engine.costs(.., by).await.unwrap();
    assert_eq!(after, before);
    engine.shutdown().await;
}

async fn a_worker_sums_up_an_hour_after_a_call(world: World) {
    let engine = world.engine().register::<Thinking>().build().await.unwrap();
    let run = engine.start::<Thinking>(ThinkInput { cost: "1 USD".into() }).await.unwrap();
    run.output().await.unwrap();
    assert_eq!(world.store.calls_to_roll_up(9).await.unwrap(), 1);
    while world.store.calls_to_roll_up(9).await.unwrap() > 0 {
        // The worker begins to wait at some moment after the call.
        world.clock.advance(Duration::from_secs(600));
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.costs(.., []).await.unwrap().total.cost.to_string(), "1.00 USD");
    engine.shutdown().await;
}

async fn a_reader_sums_up_many_calls_first(world: World) {
    let engine = world.engine().without_worker().build().await.unwrap();
    let ledger = engine.ledger();
    let calls = (0..2_001).map(async |number: u32| {
        let id = ledger.reserve(call(&format!("model-{}", number % 2))).await.unwrap();
        ledger.settle(id, settled("0.000000000001 USD")).await.unwrap();
    });
    futures_util::future::join_all(calls).await;
    let costs = engine.costs(.., [CostKey::Model]).await.unwrap();
    assert_eq!(costs.total.cost.picodollars(), 2_001);
    assert_eq!(costs.groups.iter().map(|group| group.sums.calls).collect::<Vec<_>>(), [1_001, 1_000]);
    assert_eq!(world.store.calls_to_roll_up(9).await.unwrap(), 0);
    assert_eq!(engine.costs(.., [CostKey::Model]).await.unwrap(), costs);
}

async fn a_range_is_widened_to_full_hours(world: World) {
    let engine = world.engine().without_worker().build().await.unwrap();
    let id = engine.ledger().reserve(call("m")).await.unwrap();
    engine.ledger().settle(id, settled("1 USD")).await.unwrap();
    let now = world.clock_now();
    let hour = TimeDelta::hours(1);
    let costs =
        engine.costs(now - TimeDelta::minutes(1)..now + TimeDelta::milliseconds(1), []).await.unwrap();
    assert_eq!(costs.total.calls, 1);
    let (from, until) = (costs.from.unwrap(), costs.until.unwrap());
    assert!(from <= now && now < until && until - from <= hour * 2, "{from} {now} {until}");
    assert_eq!(engine.costs(until.., []).await.unwrap().total.calls, 0);
    assert_eq!(engine.costs(..from, []).await.unwrap().total.calls, 0);
    assert_eq!(engine.costs(from..until, []).await.unwrap(), costs);
}

async fn a_command_in_json_sums_up(world: World) {
    let engine = world.engine().without_worker().build().await.unwrap();
    let id = engine.ledger().reserve(call("m")).await.unwrap();
    engine.ledger().settle(id, settled("1 USD")).await.unwrap();
    let output = engine.dispatch_json(r#"{"type":"costs.rollUp"}"#).await.unwrap();
    assert_eq!(output.as_str(), r#"{"calls":1}"#);
    assert_eq!(engine.dispatch(RollUpCosts::default()).await.unwrap().calls, 0);
}

on_every_store!(
    costs_outlive_their_runs,
    a_worker_sums_up_an_hour_after_a_call,
    a_reader_sums_up_many_calls_first,
    a_range_is_widened_to_full_hours,
    a_command_in_json_sums_up,
);
