//! Reruns of terminal runs.

use futures_util::StreamExt;
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::{RerunFrom, RerunFromOutput};
use workflow_engine::ports::BlobStore;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::testing::InMemoryBlobStore;

/// Returns a value with its generation, so that a test can see which stages ran again.
#[stage]
async fn begin(number: u32, ctx: &StageContext) -> StageResult<u32> {
    Ok(number * 100 + ctx.generation())
}

#[stage]
async fn left(begun: u32, ctx: &StageContext) -> StageResult<(u32, u32)> {
    Ok((begun, ctx.generation()))
}

/// Fails in the first generation if configured.
#[stage(retry(max_attempts = 1))]
async fn right(begun: u32, #[config(default = false)] fails: bool, ctx: &StageContext) -> StageResult<u32> {
    if fails && ctx.generation() == 1 {
        return Err(StageError::retryable("out of order"));
    }
    Ok(begun + 10 * ctx.generation())
}

#[stage]
async fn finish(left: (u32, u32), right: u32) -> StageResult<(u32, u32, u32)> {
    Ok((left.0, left.1, right))
}

workflow! { diamond = begin >> [left, right] >> finish }

fn rerun(run: &RunHandle<diamond>, from: &str) -> RerunFrom {
    RerunFrom { run_id: run.id(), from_stage_id: from.to_owned(), idempotency_key: None, dry_run: false }
}

async fn failing(engine: &Engine) -> RunHandle<diamond> {
    let mut config = DiamondConfig::default();
    config.right.fails = true;
    let run = engine.start::<diamond>(BeginInput { number: 1 }).config(config).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    run
}

async fn a_rerun_covers_its_stage_and_the_successors_and_keeps_the_rest(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = engine.start::<diamond>(BeginInput { number: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (101, 1, 111));

    let rerun_output = engine.dispatch(rerun(&run, "right")).await.unwrap();
    assert_eq!(
        rerun_output,
        RerunFromOutput { generation: 2, stages: vec!["right".into(), "finish".into()] }
    );
    assert_eq!(
        run.output().await.unwrap(),
        (101, 1, 121),
        "`begin` and `left` keep the outputs of the first generation"
    );
    let stages = world.store.stages(run.id()).await.unwrap();
    let generations: Vec<u32> = stages.iter().map(|stage| stage.generation).collect();
    assert_eq!(generations, [1, 1, 2, 2]);

    let rerun_output = engine.dispatch(rerun(&run, "begin")).await.unwrap();
    assert_eq!((rerun_output.generation, rerun_output.stages.len()), (3, 4));
    assert_eq!(run.output().await.unwrap(), (103, 3, 133));

    let events: Vec<_> = run.events().map(|event| event.unwrap()).collect().await;
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(
        sequences,
        (1..=sequences.len() as u64).collect::<Vec<_>>(),
        "the generations share one event stream without a gap"
    );
    let ends = events.iter().filter(|event| event.kind.ends_run()).count();
    let starts = events.iter().filter(|event| event.kind == EventKind::WorkflowStarted {}).count();
    assert_eq!((starts, ends), (3, 3));
}

async fn a_failed_run_continues_from_the_failed_stage(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = failing(&engine).await;
    engine.dispatch(rerun(&run, "right")).await.unwrap();
    let (begun, _, right) = run.output().await.unwrap();
    assert_eq!((begun, right), (101, 121));
    let record = run.record().await.unwrap();
    assert_eq!((record.status, record.error), (Status::Completed, None));
    assert_eq!(record.started_at, Some(world.clock_now()), "the duration counts from the rerun");
}

async fn a_rerun_covers_every_stage_that_has_not_completed(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = failing(&engine).await;
    // `left` may have completed or been cancelled. A rerun from `left` also covers `right`, which has not completed.
    let rerun_output = engine.dispatch(rerun(&run, "left")).await.unwrap();
    assert_eq!(rerun_output.stages, ["left", "right", "finish"]);
    assert_eq!(run.output().await.unwrap(), (101, 2, 121));
}

async fn an_invalid_rerun_is_refused(world: World) {
    let engine = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let run = engine.start::<diamond>(BeginInput { number: 1 }).await.unwrap();
    let code = async |command| engine.dispatch(command).await.unwrap_err().code();
    assert_eq!(code(rerun(&run, "begin")).await, "RUN_NOT_TERMINAL");
    assert_eq!(code(rerun(&run, "middle")).await, "STAGE_NOT_FOUND");
    run.cancel("no need").await.unwrap();
    assert_eq!(code(rerun(&run, "begin")).await, "RUN_NEVER_STARTED");

    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = failing(&engine).await;
    let error = engine.dispatch(rerun(&run, "finish")).await.unwrap_err();
    assert_eq!(error.code(), "ANCESTOR_NOT_COMPLETED");
    let unknown = RerunFrom { run_id: workflow_engine::RunId::generate(), ..rerun(&run, "begin") };
    assert_eq!(engine.dispatch(unknown).await.unwrap_err().code(), "RUN_NOT_FOUND");
}

async fn a_dry_run_lists_the_stages_and_changes_nothing(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = failing(&engine).await;
    let before = world.store.snapshot(run.id()).await.unwrap();
    let dry = RerunFrom { dry_run: true, idempotency_key: Some("k".into()), ..rerun(&run, "begin") };
    assert_eq!(engine.dispatch(dry).await.unwrap().stages, ["begin", "left", "right", "finish"]);
    assert_eq!(world.store.snapshot(run.id()).await.unwrap(), before);
}

/// The first request changes the run, and the others find it changed.
async fn requests_with_one_key_at_the_same_time_all_return_the_first_result(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = failing(&engine).await;
    for key in ["first", "second", "third"] {
        let keyed = || RerunFrom { idempotency_key: Some(key.into()), ..rerun(&run, "begin") };
        let results = futures_util::future::join_all((0..20).map(|_| engine.dispatch(keyed()))).await;
        let first = results[0].as_ref().unwrap();
        for result in &results {
            assert_eq!(result.as_ref().unwrap(), first);
        }
        drop(run.output().await);
        assert_eq!(run.record().await.unwrap().generation, first.generation);
        // Another key is another request: of those at the same time, one reruns.
        let other = |key: usize| RerunFrom { idempotency_key: Some(key.to_string()), ..rerun(&run, "begin") };
        let start = usize::try_from(first.generation).unwrap() * 100;
        let results =
            futures_util::future::join_all((start..start + 5).map(|key| engine.dispatch(other(key)))).await;
        assert!(results.iter().any(Result::is_ok));
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.code(), "RUN_NOT_TERMINAL", "{error}");
        }
        drop(run.output().await);
    }
}

#[stage]
async fn draw(seed: u8) -> StageResult<String> {
    Ok(char::from(seed).to_string().repeat(100_000))
}

#[stage(require(draw))]
async fn frame(ctx: &StageContext<frame>) -> StageResult<String> {
    let drawn = ctx.require::<draw>();
    ctx.put_artifact("draft", drawn)?;
    Ok(format!("[{drawn}]"))
}

workflow! { painting = draw >> frame }

/// The output of `draw`, and the output and the artifact of `frame`.
async fn ten_reruns_leave_only_the_blobs_that_are_in_use(world: World) {
    let blobs = InMemoryBlobStore::new();
    let engine = world.engine().register::<painting>().blob_store(blobs.clone()).build().await.unwrap();
    let run = engine.start::<painting>(DrawInput { seed: b'x' }).await.unwrap();
    for from in ["frame", "draw"].into_iter().cycle().take(10) {
        assert_eq!(run.output().await.unwrap().len(), 100_002);
        engine
            .dispatch(RerunFrom {
                run_id: run.id(),
                from_stage_id: from.into(),
                idempotency_key: None,
                dry_run: false,
            })
            .await
            .unwrap();
    }
    assert_eq!(run.output().await.unwrap().len(), 100_002);
    let keys = blobs.list(&run.id().to_string()).await.unwrap();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(run.outputs().await.unwrap().draw.unwrap().len(), 100_000);
    assert_eq!(run.artifact::<frame, String>("draft").await.unwrap().unwrap().len(), 100_000);
}

async fn a_repeated_key_reruns_once(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = failing(&engine).await;
    let keyed = |from| RerunFrom { idempotency_key: Some("again-1".into()), ..rerun(&run, from) };
    let first = engine.dispatch(keyed("right")).await.unwrap();
    run.output().await.unwrap();
    assert_eq!(engine.dispatch(keyed("right")).await.unwrap(), first);
    assert_eq!(run.record().await.unwrap().generation, 2);
    assert_eq!(engine.dispatch(keyed("begin")).await.unwrap_err().code(), "IDEMPOTENCY_CONFLICT");
}

#[stage(retry(max_attempts = 1))]
async fn fails(number: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.generation() == 1 {
        signal::wait(ctx.run_id(), "sibling runs").await;
        return Err(StageError::permanent("no"));
    }
    Ok(number)
}

/// Never returns in its first generation.
#[stage]
async fn hanging(_number: u32, ctx: &StageContext) -> StageResult<u32> {
    let (run, generation) = (ctx.run_id(), ctx.generation());
    signal::give(run, "sibling runs");
    if generation == 1 {
        std::future::pending::<()>().await;
    }
    Ok(generation)
}

workflow! { siblings(u32) = [fails, hanging] }

/// A job of a failed run must not execute in its rerun (trap 12).
async fn the_old_generation_does_not_affect_the_new_one(world: World) {
    let engine = world.engine().register::<siblings>().build().await.unwrap();
    let run = engine.start::<siblings>(7).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let from_fails =
        RerunFrom { run_id: run.id(), from_stage_id: "fails".into(), idempotency_key: None, dry_run: false };
    engine.dispatch(from_fails).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (7, 2));
}

on_every_store!(
    a_rerun_covers_its_stage_and_the_successors_and_keeps_the_rest,
    a_failed_run_continues_from_the_failed_stage,
    a_rerun_covers_every_stage_that_has_not_completed,
    an_invalid_rerun_is_refused,
    a_dry_run_lists_the_stages_and_changes_nothing,
    ten_reruns_leave_only_the_blobs_that_are_in_use,
    a_repeated_key_reruns_once,
    requests_with_one_key_at_the_same_time_all_return_the_first_result,
    the_old_generation_does_not_affect_the_new_one,
);
