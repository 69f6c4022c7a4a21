//! Stages that wait until their budget is raised.

use std::time::Duration;

use tests::on_every_store;
use tests::world::World;
use workflow_engine::Cost;
use workflow_engine::prelude::*;
use workflow_engine::records::CallStatus;

use super::script::{Script, Step, calls, costs, output, pass, play, reservation, settled};

#[stage(budget = "0.0000000001 USD", over_budget = wait, retry(max_attempts = 1))]
async fn patient(script: Script, ctx: &StageContext) -> StageResult<u32> {
    play(ctx, &script).await
}

workflow! { saving = patient }

const fn cost(picodollars: i64) -> Cost {
    Cost::from_picodollars(picodollars)
}

fn script() -> Script {
    vec![vec![Step::Call { reserve: 60, cost: 50 }, Step::Call { reserve: 60, cost: 50 }]]
}

/// Advances time until the stage waits for its budget.
async fn waits<W: Workflow>(run: &RunHandle<W>) {
    while run.stages().await.unwrap().iter().all(|stage| stage.awaited_cost.is_none()) {
        tokio::task::yield_now().await;
    }
}

async fn a_stage_waits_visibly_and_continues_when_its_budget_is_raised(world: World) {
    let engine = world.engine().register::<saving>().build().await.unwrap();
    let run = engine.start::<saving>(PatientInput { script: script() }).await.unwrap();
    waits(&run).await;
    let stage = run.stages().await.unwrap().remove(0);
    assert_eq!((stage.status, stage.attempt, stage.awaited_cost), (Status::Pending, 0, Some(cost(60))));
    let obstacle = run.blocked_reason().await.unwrap().expect("it waits");
    assert_eq!(obstacle.code(), "BUDGET_EXCEEDED");
    let text = obstacle.to_string();
    assert!(text.starts_with(&format!("stage `patient` of run {} waits", run.id())), "{text}");
    assert!(text.contains("0.00000000005 USD spent"), "{text}");

    // Nothing changes within a year, and nothing is due.
    let definitions = [saving::definition().fingerprint().to_owned()];
    assert_eq!(world.store.next_job_due(&definitions).await.unwrap(), None);
    world.clock.advance(Duration::from_secs(366 * 86_400));
    assert_eq!(run.status().await.unwrap(), Status::Running);
    assert_eq!(costs(&run).await, (50, 0));

    // A new attempt costs again, and the earlier cost remains.
    assert_eq!(run.raise_stage_budget::<patient>(cost(200)).await.unwrap(), 1);
    assert_eq!(output(&world, &run).await.unwrap(), 1);
    assert!(run.blocked_reason().await.unwrap().is_none());
    assert_eq!(costs(&run).await, (150, 0));
}

async fn a_stage_also_waits_for_the_budget_of_the_run(world: World) {
    let engine = world.engine().register::<saving>().build().await.unwrap();
    let one = vec![vec![Step::Call { reserve: 60, cost: 50 }]];
    let run = engine.start::<saving>(PatientInput { script: one }).budget(cost(10)).await.unwrap();
    waits(&run).await;
    // The same budget as before: the stage tries, and waits again.
    assert_eq!(run.raise_budget(cost(10)).await.unwrap(), 1);
    waits(&run).await;
    assert_eq!(run.raise_budget(cost(60)).await.unwrap(), 1);
    assert_eq!(output(&world, &run).await.unwrap(), 1);
    assert_eq!(costs(&run).await, (50, 0));
}

async fn a_run_that_waits_can_be_cancelled(world: World) {
    let engine = world.engine().register::<saving>().build().await.unwrap();
    let run = engine.start::<saving>(PatientInput { script: script() }).await.unwrap();
    waits(&run).await;
    assert!(run.cancel("too dear").await.unwrap());
    assert!(run.blocked_reason().await.unwrap().is_none());
    assert_eq!(run.raise_stage_budget::<patient>(cost(500)).await.unwrap(), 0);
    assert_eq!(run.status().await.unwrap(), Status::Cancelled);
}

/// The number of times that the stages of the run were requeued.
async fn retries<W: Workflow>(world: &World, run: &RunHandle<W>) -> usize {
    let events = world.store.events(run.id(), 0, 100).await.unwrap();
    events.iter().filter(|event| event.kind.name() == "stage:retrying").count()
}

#[stage(check = asked, poll_every = "1h", budget = "0.00000000001 USD", over_budget = wait)]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// Is ready at the second check, which exceeds the budget.
#[check]
async fn asked(number: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    let id = ctx.ledger().reserve(reservation(ctx, 10)).await?;
    ctx.ledger().settle(id, settled(3)).await?;
    let topic = format!("workflow.{}", ctx.run_id());
    let before = ctx.ledger().statistics(&topic).await?.total.settled;
    Ok(if before == 0 { Check::Pending } else { Check::Ready(*number) })
}

workflow! { asking = ask }

async fn a_check_waits_for_its_budget(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(AskInput { number: 7 }).await.unwrap();
    while run.stages().await.unwrap().iter().all(|stage| stage.awaited_cost.is_none()) {
        pass::<asking>(&world).await;
    }
    assert_eq!(run.stages().await.unwrap()[0].status, Status::Suspended);
    assert_eq!(run.blocked_reason().await.unwrap().unwrap().code(), "BUDGET_EXCEEDED");
    // After a wake-up it checks again, and waits again.
    assert!(run.wake::<ask>().await.unwrap());
    while retries(&world, &run).await < 2 {
        pass::<asking>(&world).await;
    }
    assert_eq!(run.raise_stage_budget::<ask>(cost(20)).await.unwrap(), 1);
    assert_eq!(output(&world, &run).await.unwrap(), 7);
    assert_eq!(calls(&run).await.iter().filter(|call| call.1 == CallStatus::Settled).count(), 2);
}

on_every_store!(
    a_stage_waits_visibly_and_continues_when_its_budget_is_raised,
    a_stage_also_waits_for_the_budget_of_the_run,
    a_run_that_waits_can_be_cancelled,
    a_check_waits_for_its_budget,
);
