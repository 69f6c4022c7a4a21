//! The rows of calls for every outcome of their attempt.

use std::time::Duration;

use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::RerunFrom;
use workflow_engine::prelude::*;
use workflow_engine::records::CallStatus::{Failed, Reserved, Settled, Unknown};
use workflow_engine::{StageContext, Statement};

use super::script::{LONG, Step, acting, calls, costs, output, reservation, settled, start, worker};

async fn trap_18_the_cost_of_calls_is_in_the_total_of_the_run(world: World) {
    let engine = worker(&world).await;
    let steps = vec![Step::Call { reserve: 100, cost: 40 }, Step::Call { reserve: 10, cost: 20 }];
    let run = start(&engine, vec![steps]).await;
    assert_eq!(output(&world, &run).await.unwrap(), 1);
    assert_eq!(costs(&run).await, (60, 0));
    assert_eq!(run.cost_summary().await.unwrap().tokens, 6);
    assert_eq!(calls(&run).await, [(1, Settled, 40, 0), (1, Settled, 20, 0)]);
    let page = run.ai_calls().limit(1).await.unwrap();
    let call = &page[0];
    assert_eq!((call.run_id, call.stage_id.as_deref(), call.generation), (Some(run.id()), Some("act"), 1));
    assert_eq!(run.ai_calls().limit(1).after(page.next.clone().unwrap()).await.unwrap().len(), 1);
    let of_run = format!("workflow.{}", run.id());
    let statistics = engine.call_statistics(&of_run).await.unwrap();
    assert_eq!((statistics.total.settled, statistics.total.cost.picodollars()), (2, 60));
    let first = engine.calls_of_topic(&of_run).limit(1).await.unwrap();
    assert_eq!(engine.calls_of_topic(&of_run).after(first.next.unwrap()).await.unwrap().len(), 1);
}

async fn a_failed_attempt_keeps_its_cost(world: World) {
    let engine = worker(&world).await;
    let first = vec![
        Step::Call { reserve: 100, cost: 40 },
        Step::Refused { reserve: 10 },
        Step::Open { reserve: 7 },
        Step::Error,
    ];
    let run = start(&engine, vec![first, vec![Step::Call { reserve: 10, cost: 5 }]]).await;
    assert_eq!(output(&world, &run).await.unwrap(), 2);
    assert_eq!(costs(&run).await, (45, 7));
    let expected = [(1, Settled, 40, 0), (1, Failed, 0, 0), (1, Unknown, 0, 7), (2, Settled, 5, 0)];
    assert_eq!(calls(&run).await, expected);
}

async fn a_permanent_failure_keeps_its_cost(world: World) {
    let engine = worker(&world).await;
    let run = start(&engine, vec![vec![Step::Call { reserve: 100, cost: 40 }, Step::Stop]]).await;
    assert!(output(&world, &run).await.unwrap_err().is_run_failed());
    assert_eq!(run.record().await.unwrap().error.unwrap().code, "STAGE_FAILED");
    assert_eq!(costs(&run).await, (40, 0));
}

async fn a_body_past_its_deadline_keeps_its_cost(world: World) {
    let engine = worker(&world).await;
    let first = vec![Step::Open { reserve: 5 }, Step::Call { reserve: 100, cost: 40 }, Step::Hang];
    let run = start(&engine, vec![first, vec![]]).await;
    signal::wait(run.id(), "begun").await;
    assert_eq!(
        calls(&run).await,
        [(1, Reserved, 0, 5), (1, Reserved, 0, 100)],
        "they stand before they are made"
    );
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(output(&world, &run).await.unwrap(), 2);
    assert_eq!(costs(&run).await, (40, 5));
}

/// The attempt can no longer commit, so the outcomes of its calls are unknown.
async fn the_calls_of_a_cancelled_body_are_unknown(world: World) {
    let engine = worker(&world).await;
    let steps = vec![Step::Open { reserve: 5 }, Step::Call { reserve: 100, cost: 40 }, Step::Hold];
    let run = start(&engine, vec![steps]).await;
    signal::wait(run.id(), "begun").await;
    assert!(run.cancel("enough").await.unwrap());
    assert_eq!(costs(&run).await, (0, 105));
    assert_eq!(calls(&run).await, [(1, Unknown, 0, 5), (1, Unknown, 0, 100)]);
    engine.drain().await;
    assert_eq!(costs(&run).await, (0, 105));
}

/// Drains a worker while a body makes calls and hangs; returns the run, and whether its job was returned.
async fn drained(world: &World) -> (RunHandle<acting>, bool) {
    let engine = world.engine().register::<acting>().lease(LONG).drain_timeout(Duration::from_secs(5));
    let engine = engine.build().await.unwrap();
    let first = vec![Step::Open { reserve: 5 }, Step::Call { reserve: 100, cost: 40 }, Step::Hang];
    let run = start(&engine, vec![first]).await;
    signal::wait(run.id(), "begun").await;
    let drain = tokio::spawn({
        let engine = engine.clone();
        async move { engine.drain().await }
    });
    while !drain.is_finished() {
        world.clock.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    (run, drain.await.unwrap().unreturned.is_empty())
}

async fn a_returned_job_keeps_its_cost(world: World) {
    // On a busy machine, a body may not get the processor in the real time that a drain has, so two more may try.
    let (mut run, mut is_returned) = drained(&world).await;
    for _ in 0..2 {
        if !is_returned {
            (run, is_returned) = drained(&world).await;
        }
    }
    // The drain's own deadline is in the time that has just passed.
    while run.cost_summary().await.unwrap().pending_calls > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(costs(&run).await, (40, 5));
    assert_eq!(run.stages().await.unwrap()[0].attempt, 0);
}

/// The second reservation commits the first call's outcome, so that the reservations of settled calls do not block later
/// calls.
async fn a_reservation_commits_earlier_outcomes(world: World) {
    let engine = worker(&world).await;
    let many = std::iter::repeat_n(Step::Call { reserve: 60, cost: 1 }, 20);
    let run = engine.start::<acting>(super::script::ActInput { script: vec![many.collect()] });
    let run = run.budget(workflow_engine::Cost::from_picodollars(100)).await.unwrap();
    assert_eq!(output(&world, &run).await.unwrap(), 1);
    assert_eq!(costs(&run).await, (20, 0));
}

async fn a_rerun_adds_to_the_cost(world: World) {
    let engine = worker(&world).await;
    let run = start(&engine, vec![vec![Step::Call { reserve: 100, cost: 40 }]]).await;
    output(&world, &run).await.unwrap();
    let rerun =
        RerunFrom { run_id: run.id(), from_stage_id: "act".into(), idempotency_key: None, dry_run: false };
    engine.dispatch(rerun).await.unwrap();
    output(&world, &run).await.unwrap();
    assert_eq!(costs(&run).await, (80, 0));
    let generations: Vec<u32> =
        run.ai_calls().limit(9).await.unwrap().iter().map(|call| call.generation).collect();
    assert_eq!(generations, [1, 2]);
}

/// Makes a call, and adds a statement that every database refuses.
#[stage(retry(max_attempts = 1))]
async fn pay_and_break(cost: i64, ctx: &StageContext) -> StageResult<()> {
    let id = ctx.ledger().reserve(reservation(ctx, cost)).await?;
    ctx.ledger().settle(id, settled(cost)).await?;
    ctx.transaction().execute(Statement::new("INSERT INTO nowhere VALUES (1)"))?;
    Ok(())
}

workflow! { breaking = pay_and_break }

async fn refused_statements_do_not_revert_the_cost(world: World) {
    let engine = world.engine().register::<breaking>().build().await.unwrap();
    let run = engine.start::<breaking>(PayAndBreakInput { cost: 9 }).await.unwrap();
    let error = output(&world, &run).await.unwrap_err();
    assert!(error.is_run_failed());
    assert!(run.record().await.unwrap().error.unwrap().code.starts_with("STATEMENT"));
    assert_eq!(costs(&run).await, (9, 0));
}

#[stage(check = asked, poll_every = "1h", give_up_after = "2d")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// Is ready at the third check. Each check costs.
#[check]
async fn asked(number: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    let id = ctx.ledger().reserve(reservation(ctx, 10)).await?;
    ctx.ledger().settle(id, settled(3)).await?;
    // Uncommitted outcomes are not included.
    let topic = format!("workflow.{}", ctx.run_id());
    let before = ctx.ledger().statistics(&topic).await?.total.settled;
    Ok(if before == 2 { Check::Ready(*number) } else { Check::Pending })
}

workflow! { asking = ask }

async fn a_check_keeps_its_cost(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(AskInput { number: 7 }).await.unwrap();
    assert_eq!(output(&world, &run).await.unwrap(), 7);
    assert_eq!(costs(&run).await, (9, 0));
}

/// Makes a call under an invalid topic.
#[stage(retry(max_attempts = 1))]
async fn babble(topics: Vec<String>, ctx: &StageContext) -> StageResult<usize> {
    let mut refused = 0;
    for topic in topics {
        let call = workflow_engine::ledger::CallReservation { topic, ..reservation(ctx, 1) };
        let error = ctx.ledger().reserve(call).await.expect_err("it is no topic");
        refused += usize::from(error.code() == "INVALID_TOPIC" && error.is_invalid_input());
    }
    Ok(refused)
}

workflow! { babbling = babble }

async fn an_invalid_topic_is_refused(world: World) {
    let engine = world.engine().register::<babbling>().build().await.unwrap();
    let topics = ["", ".", "a.", ".a", "a..b", "a\nb", "a\0", &"x".repeat(513)].map(str::to_owned).to_vec();
    let run = engine.start::<babbling>(BabbleInput { topics }).await.unwrap();
    assert_eq!(output(&world, &run).await.unwrap(), 8);
    assert!(calls(&run).await.is_empty());
}

on_every_store!(
    trap_18_the_cost_of_calls_is_in_the_total_of_the_run,
    a_failed_attempt_keeps_its_cost,
    a_permanent_failure_keeps_its_cost,
    a_body_past_its_deadline_keeps_its_cost,
    the_calls_of_a_cancelled_body_are_unknown,
    a_returned_job_keeps_its_cost,
    a_reservation_commits_earlier_outcomes,
    a_rerun_adds_to_the_cost,
    refused_statements_do_not_revert_the_cost,
    a_check_keeps_its_cost,
    an_invalid_topic_is_refused,
);

#[tokio::test]
async fn a_context_without_an_engine_admits_and_discards_calls() {
    let ctx = StageContext::detached();
    let id = ctx.ledger().reserve(reservation(&ctx, 1)).await.unwrap();
    ctx.ledger().settle(id, settled(1)).await.unwrap();
    assert_eq!(
        ctx.ledger().statistics("workflow").await.unwrap(),
        workflow_engine::ledger::CallStatistics::default()
    );
}
