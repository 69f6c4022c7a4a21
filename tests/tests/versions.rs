//! Several versions of one workflow in one program.

use std::time::Duration;

use tests::log_lines::LogLines;
use tests::on_every_store;
use tests::registered::wait_until_registered;
use tests::unfinished::unfinished;
use tests::world::World;
use workflow_engine::WorkflowVersion;
use workflow_engine::kernel::{CreateRun, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::value::Json;

/// The first released version.
mod v1 {
    use super::*;

    #[stage]
    pub async fn measure(text: String) -> StageResult<usize> {
        Ok(text.len())
    }

    workflow! { #[workflow(id = "filing")] pub Filing = measure }
}

/// Another graph and another output.
mod v2 {
    pub use super::v1::measure;
    use super::*;

    #[stage]
    pub async fn label(length: usize) -> StageResult<String> {
        Ok(format!("{length} bytes"))
    }

    workflow! { #[workflow(id = "filing", version = 2)] pub Filing = measure >> label }
}

/// Says that it is version 2, and is not.
mod other_v2 {
    pub use super::v1::measure;
    use super::*;

    #[stage]
    pub async fn double(length: usize) -> StageResult<usize> {
        Ok(2 * length)
    }

    workflow! { #[workflow(id = "filing", version = 2)] pub Filing = measure >> double }
}

/// Returns what `Engine::versions` says of the workflow: version, pending, running, executable here, drained.
async fn versions(engine: &Engine) -> Vec<(u32, u64, u64, bool, bool)> {
    let versions = engine.versions().await.unwrap();
    let known = versions.iter().filter(|version| version.definition.workflow_id == "filing");
    known
        .map(|known| {
            (known.definition.version, known.pending, known.running, known.is_executable, known.is_drained())
        })
        .collect()
}

fn input() -> v1::MeasureInput {
    v1::MeasureInput { text: "four".into() }
}

fn command(version: Option<u32>) -> CreateRun {
    let command = CreateRun::new("filing", Json::parse(r#"{"text":"four"}"#).unwrap());
    match version {
        Some(version) => command.version(version),
        None => command,
    }
}

async fn both(world: &World) -> Engine {
    // The order of registration does not matter.
    world.engine().register::<v2::Filing>().register::<v1::Filing>().build().await.unwrap()
}

async fn each_run_is_executed_with_the_version_that_it_was_started_with(world: World) {
    let engine = both(&world).await;
    let old = engine.start::<v1::Filing>(input()).await.unwrap();
    let new = engine.start::<v2::Filing>(input()).await.unwrap();
    assert_eq!(old.output().await.unwrap(), 4);
    assert_eq!(new.output().await.unwrap(), "4 bytes");
}

async fn a_command_starts_the_newest_version_unless_it_names_one(world: World) {
    let engine = both(&world).await;
    let newest = engine.dispatch(command(None)).await.unwrap().run_id;
    let newest = engine.run_handle::<v2::Filing>(newest).await.unwrap();
    assert_eq!(newest.output().await.unwrap(), "4 bytes");
    let first = engine.dispatch(command(Some(1))).await.unwrap().run_id;
    let first = engine.run_handle::<v1::Filing>(first).await.unwrap();
    assert_eq!(first.output().await.unwrap(), 4);

    let error = engine.dispatch(command(Some(3))).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_NOT_FOUND");
    assert_eq!(
        error.to_string(),
        "version 3 of workflow `filing` is not registered; registered versions: 1, 2"
    );
}

async fn a_handle_of_another_version_says_so(world: World) {
    let engine = both(&world).await;
    let run = engine.start::<v1::Filing>(input()).await.unwrap();
    let error = engine.run_handle::<v2::Filing>(run.id()).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_MISMATCH");
    assert_eq!(
        error.to_string(),
        format!("run {} belongs to version 1 of workflow `filing`, not to version 2", run.id())
    );
}

async fn a_key_of_a_run_of_another_version_is_no_handle_of_this_one(world: World) {
    let engine = both(&world).await;
    let run = engine.start::<v1::Filing>(input()).idempotency_key("order-7").await.unwrap();
    let again = engine.start::<v1::Filing>(input()).idempotency_key("order-7").await.unwrap();
    assert_eq!(again.id(), run.id());
    let error = engine.start::<v2::Filing>(input()).idempotency_key("order-7").await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_MISMATCH");
    assert!(error.to_string().contains(&run.id().to_string()), "{error}");
}

async fn unfinished_runs_of_another_version_are_left_out(world: World) {
    let registered = world.engine().register::<v1::Filing>().register::<v2::Filing>();
    let engine = registered.without_worker().build().await.unwrap();
    let old = engine.start::<v1::Filing>(input()).await.unwrap();
    let new = engine.start::<v2::Filing>(input()).await.unwrap();
    let ids = |runs: Vec<_>| runs.into_iter().map(|run: RunHandle<v1::Filing>| run.id()).collect::<Vec<_>>();
    assert_eq!(ids(unfinished::<v1::Filing>(&engine).await.unwrap()), [old.id()]);
    assert_eq!(unfinished::<v2::Filing>(&engine).await.unwrap()[0].id(), new.id());
}

async fn an_old_version_that_is_declared_compatible_with_one_of_two(world: World) {
    let starter = world.engine().register::<v1::Filing>().without_worker().build().await.unwrap();
    let run = starter.start::<v1::Filing>(input()).await.unwrap();

    // Its own definition is there, so the declaration does not count.
    let declared = world.engine().register::<v1::Filing>();
    let declared = declared.register_compatible::<v2::Filing>([v1::Filing::definition().fingerprint()]);
    let _engine = declared.build().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 4);
}

async fn the_versions_in_a_store_are_listed_with_their_unfinished_runs(world: World) {
    let old = world.engine().register::<v1::Filing>().without_worker().build().await.unwrap();
    let run = old.start::<v1::Filing>(input()).await.unwrap();
    old.start::<v1::Filing>(input()).await.unwrap();
    // A process without the old code.
    let new = world.engine().register::<v2::Filing>().without_worker().build().await.unwrap();
    assert_eq!(versions(&new).await, [(1, 2, 0, false, false), (2, 0, 0, true, true)]);

    let description = &new.versions().await.unwrap()[0].definition.description;
    let description: serde_json::Value = serde_json::from_str(description.as_str()).unwrap();
    assert_eq!(description["stages"][0]["id"], "measure");

    old.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    assert_eq!(versions(&old).await, [(1, 1, 1, true, false), (2, 0, 0, false, true)]);
    let worker = world.engine().register::<v1::Filing>().build().await.unwrap();
    for run in unfinished::<v1::Filing>(&worker).await.unwrap() {
        run.output().await.unwrap();
    }
    assert_eq!(versions(&new).await, [(1, 0, 0, false, true), (2, 0, 0, true, true)]);
    worker.drain().await;
}

async fn a_version_names_the_workers_that_can_execute_it(world: World) {
    let able = |versions: Vec<WorkflowVersion>| -> Vec<(u32, Vec<String>)> {
        let workers = |known: &WorkflowVersion| known.workers.iter().map(|w| w.worker.id.clone()).collect();
        versions.iter().map(|known| (known.definition.version, workers(known))).collect()
    };
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let old = world.engine().worker_id("old").register::<v1::Filing>().build().await.unwrap();
    wait_until_registered(&old).await.unwrap();
    let both = world.engine().worker_id("both").register::<v1::Filing>().register::<v2::Filing>();
    let both = both.build().await.unwrap();
    let reader = world.engine().without_worker().build().await.unwrap();
    // On a busy machine the start and the end of a worker are noted later than the calls return.
    let wait_for = async |expected: [(u32, Vec<String>); 2]| {
        while able(reader.versions().await.unwrap()) != expected {
            tokio::task::yield_now().await;
        }
    };
    wait_for([(1, ids(&["both", "old"])), (2, ids(&["both"]))]).await;
    // Version 1 is still declared, but no worker that runs has it.
    both.drain().await;
    old.drain().await;
    wait_for([(1, ids(&[])), (2, ids(&[]))]).await;
}

async fn runs_that_no_worker_can_execute_are_reported_once(world: World) {
    const WAITING: &str = "runs wait for a worker with their definition";
    const MINUTE: Duration = Duration::from_secs(60);

    let log = LogLines::record().await;
    let old = world.engine().register::<v1::Filing>().without_worker().build().await.unwrap();
    old.start::<v1::Filing>(input()).await.unwrap();
    old.start::<v1::Filing>(input()).await.unwrap();
    world.clock.advance(MINUTE);
    let worker = world.engine().register::<v2::Filing>().build().await.unwrap();
    log.wait_for(1, WAITING).await;
    let reported = |text: &str| {
        let lines = log.loud().into_iter();
        lines.filter(|line| line.contains(WAITING) && line.contains(text)).count()
    };
    assert_eq!(reported("WARN"), 1);
    assert_eq!(reported("workflow=\"filing\" version=1"), 1);
    assert_eq!(reported("pending=2 running=0"), 1);
    assert_eq!(reported(v1::Filing::definition().fingerprint()), 1);

    // Another definition is missing, and only that one is new.
    let other = world.engine().register::<other_v2::Filing>().without_worker().build().await.unwrap();
    other.start::<other_v2::Filing>(input()).await.unwrap();
    while reported(other_v2::Filing::definition().fingerprint()) == 0 {
        world.clock.advance(MINUTE);
        tokio::task::yield_now().await;
    }
    assert_eq!(reported(v1::Filing::definition().fingerprint()), 1);
    worker.drain().await;
}

async fn two_definitions_of_one_version_are_refused(world: World) {
    let twice = world.engine().register::<v2::Filing>().register::<other_v2::Filing>();
    let error = twice.build().await.unwrap_err();
    assert_eq!(error.code(), "DUPLICATE_WORKFLOW");
    assert_eq!(error.to_string(), "two workflows are registered with the id `filing` and version 2");
}

async fn starting_a_definition_that_is_not_registered_is_refused(world: World) {
    let engine = world.engine().register::<v2::Filing>().build().await.unwrap();
    let error = engine.start::<v1::Filing>(input()).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_NOT_FOUND");
    assert_eq!(error.to_string(), "version 1 of workflow `filing` is not registered; registered versions: 2");
    let error = engine.start::<other_v2::Filing>(input()).await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_NOT_FOUND");
    assert_eq!(
        error.to_string(),
        "this definition of workflow `filing` is not registered: version 2 is registered with another one"
    );
    assert!(unfinished::<v2::Filing>(&engine).await.unwrap().is_empty());
}

on_every_store!(
    each_run_is_executed_with_the_version_that_it_was_started_with,
    a_command_starts_the_newest_version_unless_it_names_one,
    a_handle_of_another_version_says_so,
    a_key_of_a_run_of_another_version_is_no_handle_of_this_one,
    unfinished_runs_of_another_version_are_left_out,
    an_old_version_that_is_declared_compatible_with_one_of_two,
    the_versions_in_a_store_are_listed_with_their_unfinished_runs,
    a_version_names_the_workers_that_can_execute_it,
    runs_that_no_worker_can_execute_are_reported_once,
    two_definitions_of_one_version_are_refused,
    starting_a_definition_that_is_not_registered_is_refused,
);
