//! `catch`: a stage that fails for good becomes a value, and its run continues.

use std::time::Duration;

use futures_util::StreamExt;
use tests::manual_claims::{LEASE, claim};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::{ReapStaleLeases, RerunFrom, TransitionAction, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

/// Fails in the first generation for 1, in every one for 2, and never otherwise.
#[stage(retry(max_attempts = 2))]
async fn charge(cents: u32, ctx: &StageContext) -> StageResult<String> {
    match cents {
        1 if ctx.generation() == 1 => Err(StageError::permanent("the card is blocked")),
        2 => Err(StageError::retry_after("the bank is closed", Duration::ZERO)),
        _ => Ok(format!("receipt {}", ctx.generation())),
    }
}

#[stage]
async fn ship(receipt: String) -> StageResult<String> {
    Ok(format!("shipped by {receipt}"))
}

#[stage]
async fn release(failure: StageFailure) -> StageResult<String> {
    let StageFailure { stage_id, code, message, attempts, .. } = failure;
    Ok(format!("released: {stage_id} {code} {message} after {attempts}"))
}

#[stage]
async fn reserve(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

#[stage(optional(charge))]
async fn tell(text: String, ctx: &StageContext<tell>) -> StageResult<String> {
    Ok(format!("{text} ({:?})", ctx.optional::<charge>().map(String::as_str)))
}

workflow! {
    order = reserve >> match catch(charge) {
        Ok(receipt) => ship,
        Err(failure) => release,
    } >> tell
}

async fn start(engine: &Engine, cents: u32) -> RunHandle<order> {
    engine.start::<order>(ReserveInput { cents }).await.unwrap()
}

fn rerun<W>(run: &RunHandle<W>, from: &str) -> RerunFrom
where
    W: Workflow,
{
    RerunFrom { run_id: run.id(), from_stage_id: from.to_owned(), idempotency_key: None, dry_run: false }
}

async fn statuses<W: Workflow>(world: &World, run: &RunHandle<W>) -> Vec<(String, Status)> {
    let stages = world.store.stages(run.id()).await.unwrap();
    stages.into_iter().map(|stage| (stage.stage_id, stage.status)).collect()
}

async fn a_failure_chooses_an_arm(world: World) {
    let engine = world.engine().register::<order>().build().await.unwrap();
    let run = start(&engine, 1).await;
    let output = run.output().await.unwrap();
    assert_eq!(output, "released: charge STAGE_FAILED the card is blocked after 1 (None)");
    let of = |stage: &str, status| (stage.to_owned(), status);
    assert_eq!(
        statuses(&world, &run).await,
        [
            of("reserve", Status::Completed),
            of("charge", Status::Failed),
            of("ship", Status::Skipped),
            of("release", Status::Completed),
            of("tell", Status::Completed),
        ]
    );
    let snapshot = world.store.snapshot(run.id()).await.unwrap().unwrap();
    assert!(snapshot.jobs.is_empty(), "a caught failure leaves no dead job: {:?}", snapshot.jobs);
    assert_eq!((snapshot.run.active, snapshot.run.suspended, snapshot.run.error), (0, 0, None));
    let names: Vec<&str> = run.events().map(|event| event.unwrap().kind.name()).collect().await;
    assert!(names.contains(&"stage:failed") && !names.contains(&"workflow:failed"), "{names:?}");
    assert_eq!(names.last(), Some(&"workflow:completed"));
}

async fn a_success_chooses_an_arm(world: World) {
    let engine = world.engine().register::<order>().build().await.unwrap();
    let run = start(&engine, 7).await;
    assert_eq!(run.output().await.unwrap(), "shipped by receipt 1 (Some(\"receipt 1\"))");
}

async fn a_stage_is_caught_after_its_last_attempt(world: World) {
    let engine = world.engine().register::<order>().build().await.unwrap();
    let run = start(&engine, 2).await;
    let output = run.output().await.unwrap();
    assert_eq!(output, "released: charge STAGE_FAILED the bank is closed after 2 (None)");
}

async fn a_rerun_of_the_failed_stage_chooses_again(world: World) {
    let engine = world.engine().register::<order>().build().await.unwrap();
    let run = start(&engine, 1).await;
    run.output().await.unwrap();
    let plan = engine.dispatch(rerun(&run, "charge")).await.unwrap();
    assert_eq!(plan.stages, ["charge", "ship", "release", "tell"]);
    assert_eq!(run.output().await.unwrap(), "shipped by receipt 2 (Some(\"receipt 2\"))");
    assert_eq!(
        engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap().action,
        TransitionAction::Completed
    );
}

async fn a_rerun_after_the_catch_keeps_the_failure(world: World) {
    let engine = world.engine().register::<order>().build().await.unwrap();
    let run = start(&engine, 1).await;
    run.output().await.unwrap();
    for from in ["release", "tell"] {
        let plan = engine.dispatch(rerun(&run, from)).await.unwrap();
        assert!(!plan.stages.contains(&"charge".to_owned()), "{plan:?}");
        assert!(run.output().await.unwrap().starts_with("released: charge STAGE_FAILED"));
    }
    let refused = engine.dispatch(rerun(&run, "ship")).await.unwrap_err();
    assert_eq!(refused.code(), "STAGE_SKIPPED");
    assert!(refused.to_string().contains("rerun from `charge`"), "{refused}");
}

/// Another process has not seen the failure, and reads it from the store.
async fn another_process_continues_with_the_failure(world: World) {
    let first = world.engine().register::<order>().build().await.unwrap();
    let run = start(&first, 1).await;
    let output = run.output().await.unwrap();
    first.drain().await;
    let second = world.engine().register::<order>().build().await.unwrap();
    second.dispatch(rerun(&run, "release")).await.unwrap();
    assert_eq!(second.run_handle::<order>(run.id()).await.unwrap().output().await.unwrap(), output);
}

#[stage(retry(max_attempts = 1, max_crashes = 1))]
async fn left(cents: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.generation() == 1 {
        signal::wait(ctx.run_id(), "fail").await;
        return Err(StageError::permanent("left fails"));
    }
    Ok(cents)
}

/// Never ends in the first generation: the failure of the other branch stops it.
#[stage]
async fn right(cents: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.generation() == 1 {
        signal::give(ctx.run_id(), "fail");
        std::future::pending::<()>().await;
    }
    Ok(cents + 1)
}

#[stage]
async fn join(left: u32, right: u32) -> StageResult<u32> {
    Ok(left + right)
}

#[stage]
async fn report(sum: Result<u32, StageFailure>) -> StageResult<String> {
    Ok(match sum {
        Ok(sum) => format!("sum {sum}"),
        Err(failure) => format!("{}: {}", failure.stage_id, failure.message),
    })
}

workflow! { pair(u32) = catch([left, right] >> join) >> report }

async fn the_rest_of_a_catch_is_cancelled_or_skipped(world: World) {
    let engine = world.engine().register::<pair>().build().await.unwrap();
    let run = engine.start::<pair>(3).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "left: left fails");
    let of = |stage: &str, status| (stage.to_owned(), status);
    assert_eq!(
        statuses(&world, &run).await,
        [
            of("left", Status::Failed),
            of("right", Status::Cancelled),
            of("join", Status::Skipped),
            of("report", Status::Completed),
        ]
    );
    let refused = engine.dispatch(rerun(&run, "join")).await.unwrap_err();
    assert_eq!(refused.code(), "STAGE_SKIPPED");
    assert!(refused.to_string().contains("rerun from `left`"), "{refused}");
    let plan = engine.dispatch(rerun(&run, "left")).await.unwrap();
    assert_eq!(plan.stages, ["left", "right", "join", "report"]);
    assert_eq!(run.output().await.unwrap(), "sum 7");
}

/// A worker that dies at the last crash fails the stage, which the reaper turns into a value too.
async fn a_lost_worker_is_caught(world: World) {
    let engine = world.engine().register::<pair>().without_worker().build().await.unwrap();
    let run = engine.start::<pair>(3).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    claim(&*world.store, run.id(), "left").await;
    world.clock.advance(LEASE * 2);
    // A process without the definition cannot know of the catch.
    let other = world.engine().without_worker().build().await.unwrap();
    assert_eq!(other.dispatch(ReapStaleLeases::default()).await.unwrap().failed, 0);
    assert_eq!(engine.dispatch(ReapStaleLeases::default()).await.unwrap().failed, 1);
    let stages = statuses(&world, &run).await;
    assert_eq!(stages[0].1, Status::Failed);
    let record = run.record().await.unwrap();
    assert_eq!((record.status, record.active), (Status::Running, 1), "`report` is ready");
    let keeper = world.store.stage(run.id(), &"join".into()).await.unwrap().unwrap();
    assert!(keeper.failure.unwrap().as_str().contains("WORKER_LOST"));
}

#[stage(check = never, poll_every = "1h", give_up_after = "2h")]
async fn ask(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

#[check]
async fn never(_ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Pending)
}

workflow! { asking = catch(ask) >> report }

async fn a_wait_that_times_out_is_caught(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(AskInput { cents: 1 }).await.unwrap();
    let mut events = run.events();
    while let Some(event) = events.next().await {
        if matches!(event.unwrap().kind, EventKind::WorkflowSuspended { .. }) {
            break;
        }
    }
    let fingerprints = [asking::definition().fingerprint().to_owned()];
    while run.status().await.unwrap() == Status::Running {
        // No job is due while a check runs.
        match world.store.next_job_due(&fingerprints).await.unwrap() {
            Some(due) if due > world.clock_now() => world.clock.advance(Duration::from_secs(3_600)),
            _ => tokio::task::yield_now().await,
        }
    }
    let output = run.output().await.unwrap();
    assert!(output.starts_with("ask: it was not ready within"), "{output}");
}

#[stage(retry(max_attempts = 1))]
async fn inner(cents: u32) -> StageResult<u32> {
    Err(StageError::permanent(format!("inner {cents}")))
}

#[stage(retry(max_attempts = 1))]
async fn outer(caught: Result<u32, StageFailure>) -> StageResult<u32> {
    Err(StageError::permanent(format!("outer after {}", caught.unwrap_err().message)))
}

workflow! { nested = catch(catch(inner) >> outer) }

async fn the_innermost_catch_takes_the_failure(world: World) {
    let engine = world.engine().register::<nested>().build().await.unwrap();
    let run = engine.start::<nested>(InnerInput { cents: 1 }).await.unwrap();
    let failure = run.output().await.unwrap().unwrap_err();
    assert_eq!((failure.stage_id.as_str(), failure.message.as_str()), ("outer", "outer after inner 1"));
    assert_eq!((failure.code.as_str(), failure.attempts), ("STAGE_FAILED", 1));
    let record = run.record().await.unwrap();
    assert!(format!("{:?}", record.output).contains("Err"), "{:?}", record.output);
}

workflow! { ending = reserve >> catch(charge) }

async fn a_workflow_ends_in_a_catch(world: World) {
    let engine = world.engine().register::<ending>().build().await.unwrap();
    let run = engine.start::<ending>(ReserveInput { cents: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap().unwrap_err().message, "the card is blocked");
    let run = engine.start::<ending>(ReserveInput { cents: 7 }).await.unwrap();
    assert_eq!(run.output().await.unwrap().unwrap(), "receipt 1");
}

#[stage]
async fn other(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

#[stage]
async fn both(charged: Result<String, StageFailure>, other: u32) -> StageResult<String> {
    Ok(format!("{} {other}", charged.is_ok()))
}

#[stage(retry(max_attempts = 1))]
async fn fails(text: String) -> StageResult<String> {
    Err(StageError::permanent(text))
}

workflow! { branches = reserve >> [catch(charge), other] >> both; uncaught = reserve >> [catch(charge), other] >> both >> fails }

async fn a_join_after_a_catch_is_released_once(world: World) {
    let engine = world.engine().register::<branches>().register::<uncaught>().build().await.unwrap();
    for (cents, output) in [(1, "false 1"), (7, "true 7")] {
        let run = engine.start::<branches>(ReserveInput { cents }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), output);
    }
    // A failure outside of the catch fails the run, and a rerun from there keeps the caught one.
    let run = engine.start::<uncaught>(ReserveInput { cents: 1 }).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let plan = engine.dispatch(rerun(&run, "fails")).await.unwrap();
    assert_eq!(plan.stages, ["fails"]);
}

/// A cancelled run is not a failure of its stages.
async fn a_cancelled_run_is_not_caught(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(AskInput { cents: 1 }).await.unwrap();
    let mut events = run.events();
    while let Some(event) = events.next().await {
        if matches!(event.unwrap().kind, EventKind::WorkflowSuspended { .. }) {
            break;
        }
    }
    assert!(run.cancel("enough").await.unwrap());
    assert!(run.output().await.unwrap_err().is_run_cancelled());
    let statuses: Vec<Status> = statuses(&world, &run).await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, [Status::Cancelled, Status::Cancelled]);
}

on_every_store!(
    a_failure_chooses_an_arm,
    a_success_chooses_an_arm,
    a_stage_is_caught_after_its_last_attempt,
    a_rerun_of_the_failed_stage_chooses_again,
    a_rerun_after_the_catch_keeps_the_failure,
    another_process_continues_with_the_failure,
    the_rest_of_a_catch_is_cancelled_or_skipped,
    a_lost_worker_is_caught,
    a_wait_that_times_out_is_caught,
    the_innermost_catch_takes_the_failure,
    a_workflow_ends_in_a_catch,
    a_join_after_a_catch_is_released_once,
    a_cancelled_run_is_not_caught,
);
