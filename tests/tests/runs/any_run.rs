//! Handles of runs without the type of their workflow, and what they can do.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::blobs::FileBlobStore;
use workflow_engine::kernel::PurgeRuns;
use workflow_engine::prelude::*;
use workflow_engine::records::{LogRecord, StageRecord};
use workflow_engine::{
    AnnotationFilter, AnnotationKey, AnyRun, BulkOutcome, ErrorCode, LogFilter, LogLevel, RunFilter, RunId,
};

const NOTE: AnnotationKey<String> = AnnotationKey::new("note");

#[stage(retry(max_attempts = 1))]
async fn begin(number: u64, ctx: &StageContext, #[config(default = 1)] step: u64) -> StageResult<u64> {
    for line in 0..5 {
        let level = if line % 2 == 0 { LogLevel::Info } else { LogLevel::Warn };
        ctx.log(level, format!("line {line}"), ());
    }
    ctx.put_artifact("draft", &"x".repeat(100))?;
    ctx.put_artifact("number", &number)?;
    if number == 0 {
        return Err(StageError::permanent("zero"));
    }
    Ok(number + step)
}

#[stage]
async fn left(number: u64, ctx: &StageContext) -> StageResult<u64> {
    ctx.log(LogLevel::Error, "left", ());
    Ok(number * 2)
}

#[stage]
async fn right(number: u64) -> StageResult<String> {
    Ok(format!("<{number}>"))
}

#[stage(retry(max_attempts = 1))]
async fn refuse(number: u64) -> StageResult<u64> {
    Err(StageError::permanent(number.to_string()))
}

workflow! { fan = begin >> [left, right] }
workflow! { fork = match begin { number if number > 99 => left, number => refuse } }

async fn engine(world: &World) -> Engine {
    world.engine().register::<fan>().register::<fork>().build().await.unwrap()
}

const fn input(number: u64) -> BeginInput {
    BeginInput { number }
}

async fn a_run_without_a_type_has_its_values_as_json(world: World) {
    let engine = engine(&world).await;
    let start = engine.start::<fan>(input(4)).metadata([1, 2]).tag("customer", "acme");
    let id = start.await.unwrap().id();

    let run = engine.any_run(id).await.unwrap();
    assert_eq!(run.output().await.unwrap().as_str(), r#"[10,"<5>"]"#);
    assert_eq!(run.input().await.unwrap().as_str(), r#"{"number":4}"#);
    assert_eq!(run.config().await.unwrap().as_str(), r#"{"begin":{"step":1},"left":{},"right":{}}"#);
    assert_eq!(run.metadata().await.unwrap().unwrap().as_str(), "[1,2]");
    assert_eq!(run.tags().await.unwrap(), BTreeMap::from([("customer".to_owned(), "acme".to_owned())]));
    let outputs = run.outputs().await.unwrap();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["begin", "left", "right"]);
    assert_eq!(run.stage_output("begin").await.unwrap().unwrap().as_str(), "5");
    assert!(run.stage_output("unknown").await.unwrap().is_none());
    assert_eq!(run.artifact("begin", "number").await.unwrap().unwrap().as_str(), "4");
    assert_eq!(run.wait().await.unwrap().status, Status::Completed);

    let typed = run.clone().into_typed::<fan>().await.unwrap();
    assert_eq!(typed.output().await.unwrap(), (10, "<5>".to_owned()));
    assert_eq!(typed.config().await.unwrap().begin.step, 1);
    assert_eq!(typed.stage_output::<right>().await.unwrap().as_deref(), Some("<5>"));
    assert_eq!(typed.artifact::<begin, u64>("number").await.unwrap(), Some(4));
    assert_eq!(AnyRun::from(typed).id(), id);

    let unknown = engine.any_run(RunId::generate()).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::RunNotFound);
    // A process without the code reads everything: the store has the definition.
    let other = world.engine().without_worker().build().await.unwrap();
    let foreign = other.any_run(id).await.unwrap();
    assert_eq!(foreign.input().await.unwrap().as_str(), r#"{"number":4}"#);
    assert_eq!(foreign.outputs().await.unwrap(), outputs);
    assert_eq!(foreign.output().await.unwrap().as_str(), r#"[10,"<5>"]"#);
    let plan = foreign.rerun_from("left").dry_run().await.unwrap();
    assert_eq!((plan.generation, plan.stages), (2, vec!["left".to_owned()]));
    foreign.rerun_from("left").await.unwrap();
    assert_eq!(run.output().await.unwrap().as_str(), r#"[10,"<5>"]"#);
    assert_eq!(run.record().await.unwrap().generation, 2);
}

async fn a_stream_of_events_or_lines_continues_after_what_was_seen(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<fan>(input(4)).await.unwrap();
    run.output().await.unwrap();
    let all: Vec<_> = run.events().try_collect().await.unwrap();
    for seen in 0..=all.len() {
        let rest: Vec<_> = run.events_after(seen as u64).try_collect().await.unwrap();
        assert_eq!(rest, all[seen..]);
    }
    let lines: Vec<_> = run.logs().try_collect().await.unwrap();
    assert_eq!(lines.len(), 6);
    let rest: Vec<_> = run.logs_after(lines[3].id).try_collect().await.unwrap();
    assert_eq!(rest, lines[4..]);
}

async fn every_list_is_read_in_pages(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<fan>(input(4)).await.unwrap();
    run.output().await.unwrap();
    for number in 0..5 {
        run.annotate(NOTE.value(&number.to_string())).await.unwrap();
    }
    macro_rules! same_in_pages {
        ($list:expr, $expected:expr) => {{
            let all = $list.await.unwrap();
            assert_eq!(all.len(), $expected);
            assert_eq!(all.next, None);
            let paged: Vec<_> = $list.limit(2).stream().try_collect().await.unwrap();
            assert_eq!(paged, all.items);
            let first = $list.limit(2).await.unwrap();
            assert_eq!(first.items, all[..2]);
            assert_eq!(first.next.is_some(), $expected > 2);
            all
        }};
    }
    same_in_pages!(run.event_history(), 9);
    same_in_pages!(run.artifacts(), 2);
    same_in_pages!(run.annotations(&AnnotationFilter::new()), 5);
    same_in_pages!(engine.annotations(NOTE, &AnnotationFilter::new()), 5);
    let lines = same_in_pages!(run.log_history(&LogFilter::new()), 6);
    let newest = same_in_pages!(run.log_history(&LogFilter::new().newest_first()), 6);
    assert!(newest.iter().rev().eq(lines.iter()));
    let of_begin = same_in_pages!(run.log_history(&LogFilter::new().stage("begin")), 5);
    assert_eq!(of_begin[4].message, "line 4");
    let warnings = same_in_pages!(run.log_history(&LogFilter::new().at_least(LogLevel::Warn)), 3);
    assert_eq!(warnings[2].message, "left");
    assert!(run.log_history(&LogFilter::new().attempt(2)).await.unwrap().is_empty());
    assert!(run.ai_calls().await.unwrap().is_empty());
    assert!(engine.calls_of_topic("workflow").await.unwrap().is_empty());
    assert!(engine.dead_letters(None).await.unwrap().is_empty());

    let cursor = run.event_history().limit(1).await.unwrap().next.unwrap();
    assert_eq!(run.log_history(&LogFilter::new()).after(cursor).await.unwrap_err().code(), "INVALID_REQUEST");
    engine.any_run(run.id()).await.unwrap().delete().await.unwrap();
    assert_eq!(run.event_history().await.unwrap_err().code(), ErrorCode::RunNotFound);
    assert_eq!(run.log_history(&LogFilter::new()).await.unwrap_err().code(), ErrorCode::RunNotFound);
}

#[stage]
async fn count(lines: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.log(LogLevel::Info, "counting", ());
    ctx.log_run(LogLevel::Warn, "the file is short", serde_json::json!({ "lines": lines }));
    Ok(lines)
}

workflow! { counting = count }

async fn a_line_about_the_run_has_no_stage(world: World) {
    let engine = world.engine().register::<counting>().build().await.unwrap();
    let run = engine.start::<counting>(CountingInput { lines: 3 }).await.unwrap();
    run.output().await.unwrap();
    let about = |line: &LogRecord| (line.message.clone(), line.stage_id.clone(), line.attempt);
    let lines = run.log_history(&LogFilter::new()).await.unwrap();
    let of_stage = ("counting".to_owned(), Some("count".to_owned()), Some(1));
    let of_run = ("the file is short".to_owned(), None, None);
    assert_eq!(lines.iter().map(about).collect::<Vec<_>>(), [of_stage.clone(), of_run.clone()]);
    assert_eq!((lines[1].level, lines[1].fields.as_str()), (LogLevel::Warn, r#"{"lines":3}"#));
    let selected = run.log_history(&LogFilter::new().run_only()).await.unwrap();
    assert_eq!(selected.items, lines.items[1..]);
    for filter in [LogFilter::new().stage("count"), LogFilter::new().attempt(1)] {
        assert_eq!(run.log_history(&filter).await.unwrap().items, lines.items[..1], "{filter:?}");
        assert!(!filter.admits(&lines[1]));
    }
}

async fn a_stage_is_rerun_by_its_type_or_its_id(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<fan>(input(4)).await.unwrap();
    run.output().await.unwrap();
    let plan = run.rerun_from::<left>().dry_run().await.unwrap();
    assert_eq!((plan.generation, plan.stages), (2, vec!["left".to_owned()]));
    assert_eq!(run.record().await.unwrap().generation, 1, "nothing has happened");
    let rerun = || run.rerun_from::<left>().idempotency_key("once");
    assert_eq!(rerun().await.unwrap().generation, 2);
    assert_eq!(rerun().await.unwrap().generation, 2);
    run.output().await.unwrap();
    let by_id = run.any().rerun_from("begin").await.unwrap();
    assert_eq!((by_id.generation, by_id.stages.len()), (3, 3));
    run.output().await.unwrap();
    let unknown = run.any().rerun_from("unknown").await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::StageNotFound);
}

async fn a_deleted_run_leaves_nothing(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FileBlobStore::open(folder.path()).await.unwrap();
    let engine = world.engine().register::<fan>().blob_store(blobs).inline_limit(10).build().await.unwrap();
    let start = || engine.start::<fan>(input(4)).idempotency_key("order-7").tag("customer", "acme");
    let run = start().await.unwrap();
    run.output().await.unwrap();
    run.annotate(NOTE.value(&"secret".to_owned())).await.unwrap();
    let kept = engine.start::<fan>(input(5)).await.unwrap();
    kept.output().await.unwrap();

    engine.delete_run(run.id()).await.unwrap();
    assert_eq!(run.record().await.unwrap_err().code(), ErrorCode::RunNotFound);
    assert_eq!(engine.delete_run(run.id()).await.unwrap_err().code(), ErrorCode::RunNotFound);
    let store = &world.store;
    assert!(store.events(run.id(), 0, 10).await.unwrap().is_empty());
    assert!(store.logs(run.id(), 0, 10).await.unwrap().is_empty());
    assert!(store.stages(run.id()).await.unwrap().is_empty());
    assert!(store.request(run.id()).await.unwrap().is_none());
    assert!(store.artifacts(run.id(), None).await.unwrap().is_empty());
    assert!(store.annotations(run.id(), &AnnotationFilter::new()).await.unwrap().is_empty());
    assert!(store.tags(run.id()).await.unwrap().is_empty());
    let listed = engine.runs(&RunFilter::new().tag("customer", "acme")).await.unwrap();
    assert!(listed.is_empty());
    let files = walk(folder.path());
    assert!(!files.iter().any(|file| file.contains(&run.id().to_string())), "{files:?}");
    assert!(files.iter().any(|file| file.contains(&kept.id().to_string())), "{files:?}");
    assert_eq!(kept.output().await.unwrap().0, 12);
    // The key is free again.
    assert_ne!(start().await.unwrap().id(), run.id());
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path.display().to_string());
        }
    }
    files
}

async fn a_run_that_has_not_ended_is_not_deleted(world: World) {
    let engine = world.engine().register::<fan>().without_worker().build().await.unwrap();
    let run = engine.start::<fan>(input(4)).await.unwrap();
    assert_eq!(run.delete().await.unwrap_err().code(), ErrorCode::RunNotTerminal);
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    assert!(run.cancel("enough").await.unwrap());
    run.delete().await.unwrap();
    assert!(run.record().await.unwrap_err().is_not_found());
    let delete = format!(r#"{{"type": "run.delete", "run_id": "{}"}}"#, run.id());
    assert_eq!(engine.dispatch_json(&delete).await.unwrap_err().code(), ErrorCode::RunNotFound);
}

async fn many_runs_are_cancelled_in_steps(world: World) {
    let engine = world.engine().register::<fan>().without_worker().build().await.unwrap();
    let mut old = Vec::new();
    for number in 0..5 {
        old.insert(0, engine.start::<fan>(input(number)).tag("customer", "acme").await.unwrap().id());
    }
    let other = engine.start::<fan>(input(9)).await.unwrap();
    let of_acme = RunFilter::new().tag("customer", "acme");

    let first = engine.cancel_runs(&of_acme, "they have left").limit(2).await.unwrap();
    assert_eq!(first.iter().map(|item| item.run_id).collect::<Vec<_>>(), old[..2]);
    assert!(first.iter().all(|item| item.outcome == BulkOutcome::Done));
    // A run that comes after the first step is not cancelled by the next ones.
    let late = engine.start::<fan>(input(7)).tag("customer", "acme").await.unwrap();
    let rest = engine.cancel_runs(&of_acme, "they have left").limit(2).after(first.next.unwrap());
    let rest: Vec<_> = rest.stream().try_collect().await.unwrap();
    assert_eq!(rest.iter().map(|item| item.run_id).collect::<Vec<_>>(), old[2..]);
    for id in &old {
        let run = engine.any_run(*id).await.unwrap().record().await.unwrap();
        assert_eq!((run.status, run.cancel_reason.as_deref()), (Status::Cancelled, Some("they have left")));
    }
    for run in [&other, &late] {
        assert_eq!(run.status().await.unwrap(), Status::Pending);
    }
    let again = engine.cancel_runs(&of_acme.clone().status(Status::Cancelled), "again").await.unwrap();
    assert_eq!(again.len(), 5);
    assert!(again.iter().all(|item| item.outcome == BulkOutcome::Skipped));
    let purged = engine.purge(PurgeRuns::older_than(Duration::ZERO).include_undelivered()).await.unwrap();
    assert_eq!(purged.len(), 5);
}

async fn a_rerun_of_many_runs_begins_in_no_arm_that_was_not_taken(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<fork>(input(4)).await.unwrap();
    run.output().await.unwrap_err();
    let rerun = engine.rerun_runs(&RunFilter::new()).await.unwrap();
    assert_eq!(rerun[0].outcome, BulkOutcome::Done);
    run.output().await.unwrap_err();
    let generations =
        |stages: Vec<StageRecord>| stages.iter().map(|stage| stage.generation).collect::<Vec<_>>();
    let stages = engine.any_run(run.id()).await.unwrap().stages().await.unwrap();
    assert_eq!(generations(stages), [1, 1, 2], "what has completed is kept");
}

async fn many_runs_are_rerun_in_steps(world: World) {
    let engine = engine(&world).await;
    let mut failed = Vec::new();
    for _ in 0..3 {
        let run = engine.start::<fan>(input(0)).await.unwrap();
        run.output().await.unwrap_err();
        failed.insert(0, run.id());
    }
    let good = engine.start::<fan>(input(4)).await.unwrap();
    good.output().await.unwrap();
    let rerun: Vec<_> = engine.rerun_runs(&RunFilter::new()).limit(2).stream().try_collect().await.unwrap();
    assert_eq!(rerun.iter().map(|item| item.run_id).collect::<Vec<_>>(), failed);
    assert!(rerun.iter().all(|item| item.outcome == BulkOutcome::Done), "{rerun:?}");
    for id in failed {
        let run = engine.any_run(id).await.unwrap();
        assert!(run.output().await.unwrap_err().is_run_failed());
        assert_eq!(run.record().await.unwrap().generation, 2);
    }
    assert_eq!(good.record().await.unwrap().generation, 1);
    // A process without the code reruns them too: the store has their definition.
    let other = world.engine().without_worker().build().await.unwrap();
    let rerun: Vec<_> = other.rerun_runs(&RunFilter::new()).stream().try_collect().await.unwrap();
    assert_eq!(rerun.len(), 3);
    assert!(rerun.iter().all(|item| item.outcome == BulkOutcome::Done), "{rerun:?}");
}

on_every_store!(
    a_run_without_a_type_has_its_values_as_json,
    a_stream_of_events_or_lines_continues_after_what_was_seen,
    every_list_is_read_in_pages,
    a_line_about_the_run_has_no_stage,
    a_stage_is_rerun_by_its_type_or_its_id,
    a_deleted_run_leaves_nothing,
    a_run_that_has_not_ended_is_not_deleted,
    many_runs_are_cancelled_in_steps,
    many_runs_are_rerun_in_steps,
    a_rerun_of_many_runs_begins_in_no_arm_that_was_not_taken,
);
