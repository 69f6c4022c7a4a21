//! Several versions of one workflow in one program.

use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::CreateRun;
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

fn input() -> v1::MeasureInput {
    v1::MeasureInput { text: "four".into() }
}

fn command(version: Option<u32>) -> CreateRun {
    CreateRun {
        idempotency_key: None,
        workflow_id: "filing".into(),
        version,
        input: Json::parse(r#"{"text":"four"}"#).unwrap(),
        config: None,
        priority: None,
        metadata: None,
        annotations: Vec::new(),
        budget: None,
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
    assert_eq!(ids(engine.unfinished::<v1::Filing>().await.unwrap()), [old.id()]);
    assert_eq!(engine.unfinished::<v2::Filing>().await.unwrap()[0].id(), new.id());
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
    assert!(engine.unfinished::<v2::Filing>().await.unwrap().is_empty());
}

on_every_store!(
    each_run_is_executed_with_the_version_that_it_was_started_with,
    a_command_starts_the_newest_version_unless_it_names_one,
    a_handle_of_another_version_says_so,
    a_key_of_a_run_of_another_version_is_no_handle_of_this_one,
    unfinished_runs_of_another_version_are_left_out,
    an_old_version_that_is_declared_compatible_with_one_of_two,
    two_definitions_of_one_version_are_refused,
    starting_a_definition_that_is_not_registered_is_refused,
);
