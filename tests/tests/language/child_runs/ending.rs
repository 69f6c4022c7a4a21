//! How a child ends its parent, and a parent its child.

use std::time::Duration;

use tests::on_every_store;
use tests::signal;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::RunRecord;
use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, ServerlessSettings};
use workflow_engine::{AnyRun, ErrorCode};

use super::steps::{OpenInput, SellingInput, engine, held, open, packing, selling, tell, weigh};

#[stage]
async fn explain(failure: StageFailure) -> StageResult<String> {
    Ok(format!("{} of {}", failure.code, failure.stage_id))
}

#[stage]
async fn break_off(cents: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::wait(ctx.run_id(), "break off").await;
    Err(StageError::permanent(format!("{cents} is too much")))
}

#[stage]
async fn both_done(one: String, two: u32) -> StageResult<String> {
    Ok(format!("{one} {two}"))
}

workflow! {
    careful = open >> match catch(packing) {
        Ok(packed) => tell,
        Err(failure) => explain,
    };
    torn = open >> [packing, break_off] >> both_done;
}

/// Waits for the end of a run.
async fn ended(run: &AnyRun) -> RunRecord {
    run.wait().await.unwrap()
}

async fn a_child_that_fails_fails_the_step_with_its_code(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<selling>(SellingInput { cents: 13 }).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let child = run.children().await.unwrap().items.remove(0);
    assert_eq!(child.error.as_ref().unwrap().code, ErrorCode::StageFailed.as_str());
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::StageFailed.as_str());
    assert_eq!(
        error.message,
        format!(
            "stage `packing` failed: run {} of workflow `packing` failed: stage `weigh` failed after 1 attempt: thirteen is not \
             a price",
            child.id
        )
    );
}

async fn a_child_that_is_cancelled_fails_the_step(world: World) {
    let engine = engine(&world).await;
    let (run, child) = held(&engine).await;
    // An operator ends the child in his own way.
    child.cancel("wrong weight").await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::ChildCancelled.as_str());
    assert!(error.message.ends_with("was cancelled: wrong weight"), "{}", error.message);
}

async fn a_failed_child_is_a_value_in_a_catch(world: World) {
    let builder = world.engine().register::<packing>().register::<careful>();
    let engine = builder.build().await.unwrap();
    let run = engine.start::<careful>(OpenInput { cents: 13 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "STAGE_FAILED of packing");
    let run = engine.start::<careful>(OpenInput { cents: 4 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "packed: 8 g");
}

async fn a_cancelled_parent_cancels_its_child(world: World) {
    let engine = engine(&world).await;
    let (run, child) = held(&engine).await;
    run.cancel("the customer left").await.unwrap();
    let record = ended(&child).await;
    assert_eq!(record.status, Status::Cancelled);
    assert_eq!(
        record.cancel_reason.unwrap(),
        format!("run {}, which waited for it, was cancelled: the customer left", run.id())
    );
    assert_eq!(run.status().await.unwrap(), Status::Cancelled);
}

async fn a_parent_over_its_deadline_cancels_its_child(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<selling>(SellingInput { cents: 2_000 }).deadline(Duration::from_secs(60));
    let run = run.await.unwrap();
    tests::events::wait_for(&run, |kind| kind.name() == "stage:suspended").await;
    let child = engine.any_run(run.children().await.unwrap().items[0].id).await.unwrap();
    signal::wait(child.id(), "weighing").await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(ended(&run).await.error.unwrap().code, ErrorCode::DeadlineExceeded.as_str());
    assert_eq!(ended(&child).await.status, Status::Cancelled);
}

async fn a_branch_that_fails_cancels_the_child_of_another_branch(world: World) {
    let engine = world.engine().register::<packing>().register::<torn>().build().await.unwrap();
    let run = engine.start::<torn>(OpenInput { cents: 2_000 }).await.unwrap();
    tests::events::wait_for(&run, |kind| kind.name() == "stage:suspended").await;
    let child = engine.any_run(run.children().await.unwrap().items[0].id).await.unwrap();
    signal::give(run.id(), "break off");
    assert_eq!(ended(&run).await.status, Status::Failed);
    let record = ended(&child).await;
    assert_eq!(record.status, Status::Cancelled);
    assert!(record.cancel_reason.unwrap().ends_with("2000 is too much"));
}

async fn the_child_of_a_child_ends_too(world: World) {
    let builder = world.engine().register::<packing>().register::<selling>().register::<reselling>();
    let engine = builder.build().await.unwrap();
    let run = engine.start::<reselling>(SellingInput { cents: 2_000 }).await.unwrap();
    tests::events::wait_for(&run, |kind| kind.name() == "stage:suspended").await;
    let child = engine.run_handle::<selling>(run.children().await.unwrap().items[0].id).await.unwrap();
    tests::events::wait_for(&child, |kind| kind.name() == "stage:suspended").await;
    let inner = engine.any_run(child.children().await.unwrap().items[0].id).await.unwrap();
    run.cancel("no longer").await.unwrap();
    assert_eq!(ended(&child).await.status, Status::Cancelled);
    assert_eq!(ended(&inner).await.status, Status::Cancelled);
}

workflow! { reselling = selling >> echo }

#[stage]
async fn echo(text: String) -> StageResult<String> {
    Ok(text)
}

async fn a_rerun_of_the_parent_cancels_a_child_that_runs_again(world: World) {
    let engine = engine(&world).await;
    let (run, child) = held(&engine).await;
    child.cancel("by hand").await.unwrap();
    assert_eq!(ended(&run).await.status, Status::Failed);
    child.rerun_from::<weigh>().await.unwrap();
    signal::wait(child.id(), "weighing").await;
    run.rerun_from::<packing>().await.unwrap();
    assert_eq!(ended(&child).await.status, Status::Cancelled);
    tests::events::wait_for(&run, |kind| {
        matches!(kind, workflow_engine::records::EventKind::WorkflowStarted {})
    })
    .await;
    let newest = loop {
        let newest = run.children().await.unwrap().items[0].id;
        if newest != child.id() {
            break newest;
        }
        tokio::task::yield_now().await;
    };
    signal::give(newest, "weighed");
    assert_eq!(run.output().await.unwrap(), "packed: 4000 g");
}

async fn a_child_that_has_completed_stays_so(world: World) {
    let engine = engine(&world).await;
    let (run, child) = held(&engine).await;
    signal::give(child.id(), "weighed");
    run.output().await.unwrap();
    assert_eq!(ended(&child).await.status, Status::Completed);
    run.rerun_from::<packing>().await.unwrap();
    run.cancel("enough").await.unwrap();
    let newest = run.children().await.unwrap().items[0].id;
    if newest != child.id() {
        let newest = engine.run_handle::<packing>(newest).await.unwrap();
        assert_eq!(ended(&newest).await.status, Status::Cancelled);
    }
    let first = child.record().await.unwrap();
    assert_eq!((first.status, first.cancel_reason), (Status::Completed, None));
}

async fn a_child_that_was_deleted_fails_the_step(world: World) {
    let engine = world.engine().register::<packing>().register::<selling>().without_worker();
    let engine = engine.build().await.unwrap();
    let host = engine.serverless(ServerlessSettings::default()).unwrap();
    let run = engine.start::<selling>(SellingInput { cents: 5 }).await.unwrap();
    let one = ProcessJobs { max_jobs: 1, concurrency: 1 };
    while run.children().await.unwrap().items.is_empty() {
        host.run_maintenance_tick(MaintenanceTick::default()).await;
        host.process_available_jobs(one).await.unwrap();
    }
    // It is deleted before the parent asks for its end.
    let child = engine.any_run(run.children().await.unwrap().items[0].id).await.unwrap();
    child.cancel("gone").await.unwrap();
    child.delete().await.unwrap();
    while !run.status().await.unwrap().is_terminal() {
        host.run_maintenance_tick(MaintenanceTick::default()).await;
        host.process_available_jobs(one).await.unwrap();
    }
    assert_eq!(ended(&run).await.error.unwrap().code, ErrorCode::RunNotFound.as_str());
}

on_every_store!(
    a_child_that_fails_fails_the_step_with_its_code,
    a_child_that_is_cancelled_fails_the_step,
    a_failed_child_is_a_value_in_a_catch,
    a_cancelled_parent_cancels_its_child,
    a_parent_over_its_deadline_cancels_its_child,
    a_branch_that_fails_cancels_the_child_of_another_branch,
    the_child_of_a_child_ends_too,
    a_rerun_of_the_parent_cancels_a_child_that_runs_again,
    a_child_that_has_completed_stays_so,
    a_child_that_was_deleted_fails_the_step,
);
