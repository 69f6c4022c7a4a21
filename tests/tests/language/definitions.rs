//! Definitions of runs in flight: a run executes only with its own definition or a compatible one; otherwise it waits
//! visibly (G10).

use std::time::Duration;

use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::{ExecuteJob, FailUnclaimedRuns, RerunFrom, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::{Error, RunId};

const HOUR: Duration = Duration::from_secs(3_600);

/// The first released version.
mod v1 {
    use super::*;

    #[stage]
    pub async fn receive(number: u32) -> StageResult<u32> {
        Ok(number + 1)
    }

    #[stage]
    pub async fn price(number: u32, ctx: &StageContext) -> StageResult<u32> {
        signal::give(ctx.run_id(), "pricing");
        signal::wait(ctx.run_id(), "price").await;
        Ok(number * 10)
    }

    #[stage]
    pub async fn bill(price: u32) -> StageResult<String> {
        Ok(format!("{price} EUR"))
    }

    workflow! { pub orders = receive >> price >> bill }
}

/// Version 2 with other prices, and a new field with a default. Stored values of version 1 still decode.
mod v2 {
    use super::*;

    #[stage]
    pub async fn receive(number: u32) -> StageResult<u32> {
        Ok(number + 2)
    }

    #[stage(version = 2)]
    pub async fn price(number: u32, #[config(default = 100)] factor: u32) -> StageResult<u32> {
        Ok(number * factor)
    }

    #[stage]
    pub async fn bill(price: u32) -> StageResult<String> {
        Ok(format!("{price} EUR"))
    }

    workflow! { pub orders = receive >> price >> bill }
}

/// Version 3 with an additional stage.
mod v3 {
    pub use super::v1::{bill, price, receive};
    use super::*;

    #[stage]
    pub async fn discount(price: u32) -> StageResult<u32> {
        Ok(price / 2)
    }

    workflow! { pub orders = receive >> price >> discount >> bill }
}

/// Version 4 with another order of the same stages.
mod v4 {
    pub use super::v1::{price, receive};
    use super::*;

    #[stage]
    pub async fn bill(first: u32, second: u32) -> StageResult<String> {
        Ok(format!("{first} {second} EUR"))
    }

    workflow! { pub orders(u32) = [receive, price] >> bill }
}

fn fingerprint<W: Workflow>() -> String {
    W::definition().fingerprint().to_owned()
}

async fn worker<W: Workflow>(world: &World) -> Engine {
    world.engine().register::<W>().drain_timeout(Duration::ZERO).build().await.unwrap()
}

/// Starts a run of version 1 that has completed `receive`, and whose stage `price` is queued.
async fn half_finished(world: &World) -> RunId {
    let first = worker::<v1::orders>(world).await;
    let run = first.start::<v1::orders>(v1::ReceiveInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "pricing").await;
    first.drain().await;
    run.id()
}

async fn blocked_reason_of<W: Workflow>(engine: &Engine, run_id: RunId) -> Option<Error> {
    engine.run_handle::<W>(run_id).await.unwrap().blocked_reason().await.unwrap()
}

fn code(reason: Option<&Error>) -> Option<&'static str> {
    reason.map(|error| error.code().as_str())
}

/// The status of a stage, and how many attempts it has begun.
async fn stage_of(world: &World, run_id: RunId, stage: &str) -> (Status, u32) {
    let stages = world.store.stages(run_id).await.unwrap();
    let found = stages.iter().find(|found| found.stage_id == stage).unwrap();
    (found.status, found.attempt)
}

/// Starts a worker of version 1 again, and asserts that it continues the run.
async fn finishes_on_version_1(world: &World, run_id: RunId) {
    signal::give(run_id, "price");
    let first = worker::<v1::orders>(world).await;
    let run = first.run_handle::<v1::orders>(run_id).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "20 EUR");
    let attempts = world.store.stages(run_id).await.unwrap();
    assert_eq!(
        attempts.iter().map(|stage| stage.attempt).collect::<Vec<_>>(),
        [1, 1, 1],
        "no stage ran twice"
    );
    first.drain().await;
}

async fn two_versions_side_by_side_execute_only_their_own_runs(world: World) {
    let (first, second) = (worker::<v1::orders>(&world).await, worker::<v2::orders>(&world).await);
    let (mut old, mut new) = (Vec::new(), Vec::new());
    // Engines without a worker create the runs, so that either worker could claim them.
    let starters = (
        world.engine().register::<v1::orders>().without_worker().build().await.unwrap(),
        world.engine().register::<v2::orders>().without_worker().build().await.unwrap(),
    );
    for number in 0..10 {
        let run = starters.0.start::<v1::orders>(v1::ReceiveInput { number }).await.unwrap();
        signal::give(run.id(), "price");
        old.push((run, format!("{} EUR", (number + 1) * 10)));
        let run = starters.1.start::<v2::orders>(v2::ReceiveInput { number }).await.unwrap();
        new.push((run, format!("{} EUR", (number + 2) * 100)));
    }
    for (run, expected) in old {
        assert_eq!(run.output().await.unwrap(), expected);
        assert_eq!(run.record().await.unwrap().definition_fingerprint, fingerprint::<v1::orders>());
    }
    for (run, expected) in new {
        assert_eq!(run.output().await.unwrap(), expected);
    }
    first.drain().await;
    second.drain().await;
}

async fn a_half_finished_run_waits_visibly_and_continues_when_its_version_returns(world: World) {
    let run_id = half_finished(&world).await;
    let second = worker::<v2::orders>(&world).await;
    let own = second.start::<v2::orders>(v2::ReceiveInput { number: 1 }).await.unwrap();
    assert_eq!(own.output().await.unwrap(), "300 EUR");
    let run = second.run_handle::<v2::orders>(run_id).await.unwrap();
    assert_eq!(run.status().await.unwrap(), Status::Running);
    let found = blocked_reason_of::<v2::orders>(&second, run_id).await;
    assert_eq!(code(found.as_ref()), Some("DEFINITION_MISMATCH"));
    assert!(found.unwrap().to_string().contains(&run_id.to_string()));
    assert!(blocked_reason_of::<v2::orders>(&second, own.id()).await.is_none());
    let waiting = tokio::spawn(async move { run.output().await });
    finishes_on_version_1(&world, run_id).await;
    assert!(blocked_reason_of::<v2::orders>(&second, run_id).await.is_none());
    // A handle of the new version receives the output of the old one.
    assert_eq!(waiting.await.unwrap().unwrap(), "20 EUR");
}

async fn a_half_finished_run_continues_with_a_compatible_version(world: World) {
    let run_id = half_finished(&world).await;
    let second = world.engine().register_compatible::<v2::orders>([fingerprint::<v1::orders>()]);
    let second = second.build().await.unwrap();
    let run = second.run_handle::<v2::orders>(run_id).await.unwrap();
    // The output of `receive` is kept; `price` runs in the new version, with the default of its new field.
    assert_eq!(run.output().await.unwrap(), "200 EUR");
    assert_eq!(run.record().await.unwrap().definition_fingerprint, fingerprint::<v1::orders>());
}

async fn a_pending_run_starts_with_a_compatible_version(world: World) {
    let starter = world.engine().register::<v1::orders>().without_worker().build().await.unwrap();
    let run = starter.start::<v1::orders>(v1::ReceiveInput { number: 1 }).await.unwrap();
    let second = world.engine().register_compatible::<v2::orders>([fingerprint::<v1::orders>()]);
    let _second = second.build().await.unwrap();
    assert_eq!(run.output().await.unwrap(), "300 EUR");
}

/// Asserts that a wrong declaration is detected before a stage is executed, and does not change the run.
async fn is_withdrawn<W: Workflow>(world: &World) {
    let run_id = half_finished(world).await;
    let wrong = world.engine().register_compatible::<W>([fingerprint::<v1::orders>()]).build().await.unwrap();
    // A claim that was on its way may hold the job once more, so the first reason counts, and the job is back after it.
    let found = loop {
        match blocked_reason_of::<W>(&wrong, run_id).await {
            None => tokio::task::yield_now().await,
            found => break found,
        }
    };
    assert_eq!(code(found.as_ref()), Some("DEFINITION_MISMATCH"));
    while stage_of(world, run_id, "price").await != (Status::Pending, 0) {
        tokio::task::yield_now().await;
    }
    finishes_on_version_1(world, run_id).await;
    wrong.drain().await;
}

async fn a_wrong_declaration_of_another_stage_is_withdrawn(world: World) {
    is_withdrawn::<v3::orders>(&world).await;
}

async fn a_wrong_declaration_of_another_order_is_withdrawn(world: World) {
    is_withdrawn::<v4::orders>(&world).await;
}

async fn a_run_whose_input_a_compatible_version_refuses_is_left_unchanged(world: World) {
    let starter = world.engine().register::<v1::orders>().without_worker().build().await.unwrap();
    let run = starter.start::<v1::orders>(v1::ReceiveInput { number: 1 }).await.unwrap();
    let wrong = world.engine().register_compatible::<v4::orders>([fingerprint::<v1::orders>()]);
    let wrong = wrong.without_worker().build().await.unwrap();
    let error = wrong.dispatch(TransitionRun { run_id: run.id() }).await.unwrap_err();
    assert_eq!(error.code(), "DEFINITION_MISMATCH");
    assert!(error.to_string().contains("declared compatible, but is not: its input is not valid"), "{error}");
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    assert_eq!(
        code(blocked_reason_of::<v4::orders>(&wrong, run.id()).await.as_ref()),
        Some("DEFINITION_MISMATCH")
    );
}

async fn a_compatibility_declaration_needs_a_fingerprint(world: World) {
    let builder = world.engine().register_compatible::<v2::orders>(["version 1"]);
    let error = builder.build().await.unwrap_err();
    assert_eq!(error.code(), "INVALID_FINGERPRINT");
    assert!(error.to_string().contains("`orders` is declared compatible with `version 1`"), "{error}");
}

#[stage]
async fn alone(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { other = alone }

async fn a_run_of_an_unknown_workflow_waits_visibly_and_is_not_executed(world: World) {
    let starter = world.engine().register::<v1::orders>().without_worker().build().await.unwrap();
    let run = starter.start::<v1::orders>(v1::ReceiveInput { number: 1 }).await.unwrap();
    let other_engine = world.engine().register::<other>().without_worker().build().await.unwrap();
    let found = blocked_reason_of::<v1::orders>(&other_engine, run.id()).await.unwrap();
    assert_eq!((found.code().as_str(), found.is_not_found()), ("WORKFLOW_NOT_FOUND", true));
    let error = other_engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_NOT_FOUND");
    assert!(
        blocked_reason_of::<v1::orders>(&starter, run.id()).await.is_none(),
        "the starter has the definition"
    );

    starter.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let execute = ExecuteJob {
        worker_id: "w".into(),
        run_id: run.id(),
        stage_key: "receive".into(),
        idempotency_key: None,
    };
    let error = other_engine.dispatch(execute).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_NOT_FOUND");
    assert!(world.store.lease_holders().await.unwrap().is_empty(), "no job was claimed");
}

async fn an_unclaimed_run_fails_after_the_configured_timeout(world: World) {
    let run_id = half_finished(&world).await;
    let second = world.engine().register::<v2::orders>().unclaimed_timeout(HOUR).build().await.unwrap();
    let early = FailUnclaimedRuns { limit: HOUR };
    assert_eq!(second.dispatch(early).await.unwrap().failed, 0);
    let run = second.run_handle::<v2::orders>(run_id).await.unwrap();
    while run.status().await.unwrap() != Status::Failed {
        world.clock.advance(HOUR / 4);
        tokio::task::yield_now().await;
    }
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "DEFINITION_MISMATCH");
    assert!(run.output().await.unwrap_err().is_run_failed());
    second.drain().await;

    // A rerun by a worker with the definition continues the run.
    let first = worker::<v1::orders>(&world).await;
    let (from_stage_id, idempotency_key) = ("price".into(), None);
    first.dispatch(RerunFrom { run_id, from_stage_id, idempotency_key, dry_run: false }).await.unwrap();
    signal::give(run_id, "price");
    assert_eq!(first.run_handle::<v1::orders>(run_id).await.unwrap().output().await.unwrap(), "20 EUR");
}

on_every_store!(
    two_versions_side_by_side_execute_only_their_own_runs,
    a_half_finished_run_waits_visibly_and_continues_when_its_version_returns,
    a_half_finished_run_continues_with_a_compatible_version,
    a_pending_run_starts_with_a_compatible_version,
    a_wrong_declaration_of_another_stage_is_withdrawn,
    a_wrong_declaration_of_another_order_is_withdrawn,
    a_run_whose_input_a_compatible_version_refuses_is_left_unchanged,
    a_compatibility_declaration_needs_a_fingerprint,
    a_run_of_an_unknown_workflow_waits_visibly_and_is_not_executed,
    an_unclaimed_run_fails_after_the_configured_timeout,
);
