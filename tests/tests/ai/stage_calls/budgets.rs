//! The budgets of stages and runs.

use tests::on_every_store;
use tests::world::World;
use workflow_engine::Cost;
use workflow_engine::kernel::RerunFrom;
use workflow_engine::prelude::*;

use super::script::{ActInput, Script, Step, act, acting, calls, costs, output, play, start, worker};

#[stage(budget = "0.0000000001 USD", retry(max_attempts = 3, initial = "1s"))]
async fn frugal(script: Script, ctx: &StageContext) -> StageResult<u32> {
    play(ctx, &script).await
}

workflow! { saving = frugal }

const fn cost(picodollars: i64) -> Cost {
    Cost::from_picodollars(picodollars)
}

async fn a_stage_over_its_budget_fails_finally_and_keeps_its_cost(world: World) {
    assert_eq!(saving::definition().stages[0].budget, Some(cost(100)));
    let engine = world.engine().register::<saving>().build().await.unwrap();
    let script = vec![vec![
        Step::Call { reserve: 50, cost: 40 },
        Step::Open { reserve: 20 },
        Step::Call { reserve: 41, cost: 1 },
    ]];
    let run = engine.start::<saving>(FrugalInput { script }).await.unwrap();
    assert!(output(&world, &run).await.unwrap_err().is_run_failed());
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "BUDGET_EXCEEDED");
    let expected = format!(
        "stage `frugal` failed after 1 attempt: the budget of stage `frugal` of run {} is 0.0000000001 USD: \
         0.00000000004 USD spent and 0.00000000002 USD reserved leave no room for a call that can cost \
         0.000000000041 USD; `run.raiseBudget` raises it",
        run.id()
    );
    assert_eq!(error.message, expected);
    assert_eq!(costs(&run).await, (40, 20));
}

async fn a_run_has_a_budget_too(world: World) {
    let engine = worker(&world).await;
    let script = vec![vec![Step::Call { reserve: 50, cost: 40 }, Step::Call { reserve: 50, cost: 1 }]];
    let run = engine.start::<acting>(ActInput { script }).budget(cost(80)).await.unwrap();
    assert!(output(&world, &run).await.unwrap_err().is_run_failed());
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "BUDGET_EXCEEDED");
    assert!(error.message.contains(&format!("the budget of run {}", run.id())), "{}", error.message);
    assert_eq!(costs(&run).await, (40, 0));
    assert_eq!(run.cost_summary().await.unwrap().budget, Some(cost(80)));
}

/// A body can continue without the call.
async fn a_stage_can_handle_a_refusal(world: World) {
    let engine = worker(&world).await;
    let script = vec![vec![Step::Call { reserve: 50, cost: 40 }, Step::Try { reserve: 50 }]];
    let run = engine.start::<acting>(ActInput { script }).budget(cost(80)).await.unwrap();
    assert_eq!(output(&world, &run).await.unwrap(), 1);
    assert_eq!(calls(&run).await.len(), 1);
    // If a later call was admitted, a failure without relation to calls is an ordinary failure.
    let script =
        vec![vec![Step::Try { reserve: 90 }, Step::Call { reserve: 10, cost: 1 }, Step::Error], vec![]];
    let run = engine.start::<acting>(ActInput { script }).budget(cost(80)).await.unwrap();
    assert_eq!(output(&world, &run).await.unwrap(), 2);
}

async fn a_higher_budget_counts_for_a_rerun(world: World) {
    let engine = worker(&world).await;
    let script = vec![vec![Step::Call { reserve: 50, cost: 40 }, Step::Call { reserve: 50, cost: 40 }]];
    let run = engine.start::<acting>(ActInput { script }).budget(cost(80)).await.unwrap();
    assert!(output(&world, &run).await.unwrap_err().is_run_failed());
    let rerun =
        || RerunFrom { run_id: run.id(), from_stage_id: "act".into(), idempotency_key: None, dry_run: false };
    // The cost of the earlier attempt remains.
    engine.dispatch(rerun()).await.unwrap();
    assert!(output(&world, &run).await.unwrap_err().is_run_failed());
    assert_eq!(run.raise_budget(cost(130)).await.unwrap(), 0);
    engine.dispatch(rerun()).await.unwrap();
    assert_eq!(output(&world, &run).await.unwrap(), 1);
    assert_eq!(costs(&run).await, (120, 0));
}

async fn a_raise_that_raises_nothing_is_refused(world: World) {
    let engine = worker(&world).await;
    let run = start(&engine, vec![vec![]]).await;
    let refused = run.raise_budget(cost(5)).await.unwrap_err();
    assert_eq!(refused.code(), "BUDGET_TOO_LOW");
    assert_eq!(refused.to_string(), format!("run {} has no budget to raise", run.id()));
    output(&world, &run).await.unwrap();
    let refused = run.raise_stage_budget::<act>(cost(5)).await.unwrap_err();
    assert_eq!(refused.code(), "BUDGET_TOO_LOW");
    assert_eq!(run.any().raise_stage_budget("acting", cost(5)).await.unwrap_err().code(), "STAGE_NOT_FOUND");
    let run = engine.start::<acting>(ActInput { script: vec![vec![]] }).budget(cost(80)).await.unwrap();
    let refused = run.raise_budget(cost(79)).await.unwrap_err();
    let expected = format!("run {} already has a budget of 0.00000000008 USD, which is higher", run.id());
    assert_eq!(refused.to_string(), expected);
    assert_eq!(run.raise_budget(cost(80)).await.unwrap(), 0);
}

#[stage]
async fn first(script: Script) -> StageResult<Script> {
    Ok(script)
}

macro_rules! branches {
    ($($name:ident),*) => {
        $(#[stage(retry(max_attempts = 1))]
        async fn $name(script: Script, ctx: &StageContext) -> StageResult<u32> {
            play(ctx, &script).await
        })*
    };
}

branches!(b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16);

workflow! {
    wide = first >> [b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16]
}

/// Each branch reserves a tenth of the budget, and continues if it is refused.
async fn trap_18_branches_do_not_overspend_together(world: World) {
    let engine = world.engine().register::<wide>().concurrency(16).build().await.unwrap();
    let script = vec![vec![Step::Try { reserve: 10 }, Step::Try { reserve: 10 }]];
    let run = engine.start::<wide>(FirstInput { script }).budget(cost(100)).await.unwrap();
    output(&world, &run).await.unwrap();
    // No call is settled: everything stays reserved.
    assert_eq!(costs(&run).await, (0, 100));
    assert_eq!(calls(&run).await.len(), 10);
}

on_every_store!(
    a_stage_over_its_budget_fails_finally_and_keeps_its_cost,
    a_run_has_a_budget_too,
    a_stage_can_handle_a_refusal,
    a_higher_budget_counts_for_a_rerun,
    a_raise_that_raises_nothing_is_refused,
    trap_18_branches_do_not_overspend_together,
);
