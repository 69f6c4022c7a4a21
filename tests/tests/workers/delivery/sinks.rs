//! Events and logs while a stage runs.

use futures_util::StreamExt;
use tests::world::World;
use tests::{on_every_store, signal};
use tokio::sync::broadcast;
use workflow_engine::LogLevel;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

/// Reports progress, waits for a signal, and logs once more.
#[stage]
async fn speaks(word: String, ctx: &StageContext) -> StageResult<String> {
    ctx.log(LogLevel::Info, "first", [1]);
    ctx.progress(0.5, &word);
    signal::wait(ctx.run_id(), "received").await;
    ctx.log(LogLevel::Warn, "last", [2]);
    Ok(word)
}

workflow! { speaking = speaks }

async fn progress_reaches_a_channel_while_the_body_runs(world: World) {
    let (sender, mut events) = broadcast::channel(100);
    let engine = world.engine().register::<speaking>().event_sink(sender).build().await.unwrap();
    let run = engine.start::<speaking>(SpeaksInput { word: "half".into() }).await.unwrap();
    loop {
        let event = events.recv().await.unwrap();
        if let EventKind::StageProgress { message, .. } = event.kind {
            assert_eq!(message, "half");
            break;
        }
    }
    assert_eq!(run.status().await.unwrap(), Status::Running);
    signal::give(run.id(), "received");
    let mut sequences = Vec::new();
    loop {
        let event = events.recv().await.unwrap();
        sequences.push(event.sequence);
        if event.kind.ends_run() {
            break;
        }
    }
    assert_eq!(sequences, [5, 6]);
}

async fn a_channel_needs_no_listener(world: World) {
    let (sender, _) = broadcast::channel(1);
    let engine = world.engine().register::<speaking>().event_sink(sender).build().await.unwrap();
    let run = engine.start::<speaking>(SpeaksInput { word: "alone".into() }).await.unwrap();
    signal::give(run.id(), "received");
    run.output().await.unwrap();
    engine.drain().await;
    assert!(world.store.next_delivery_due("sink").await.unwrap().is_none());
}

async fn log_lines_are_streamed_while_the_body_runs_and_end_with_the_run(world: World) {
    let engine = world.engine().register::<speaking>().build().await.unwrap();
    let run = engine.start::<speaking>(SpeaksInput { word: "live".into() }).await.unwrap();
    let mut logs = run.logs();
    let first = logs.next().await.unwrap().unwrap();
    assert_eq!(
        (first.level, first.message.as_str(), first.fields.as_str()),
        (LogLevel::Info, "first", "[1]")
    );
    assert_eq!(run.status().await.unwrap(), Status::Running);
    signal::give(run.id(), "received");
    let rest: Vec<_> = logs.map(|line| line.unwrap().message).collect().await;
    assert_eq!(rest, ["last"]);
    let all: Vec<_> = run.logs().map(|line| line.unwrap().message).collect().await;
    assert_eq!(all, ["first", "last"], "a later reader starts at the first line");
}

async fn a_reader_of_logs_fails_on_shutdown(world: World) {
    let engine = world.engine().register::<speaking>().without_worker().build().await.unwrap();
    let run = engine.start::<speaking>(SpeaksInput { word: "never".into() }).await.unwrap();
    let mut logs = run.logs();
    let reading = tokio::spawn(async move { (logs.next().await, logs.next().await) });
    tokio::task::yield_now().await;
    engine.shutdown().await;
    let (error, end) = reading.await.unwrap();
    assert_eq!(error.unwrap().unwrap_err().code(), "SHUTTING_DOWN");
    assert!(end.is_none());
}

on_every_store!(
    progress_reaches_a_channel_while_the_body_runs,
    a_channel_needs_no_listener,
    log_lines_are_streamed_while_the_body_runs_and_end_with_the_run,
    a_reader_of_logs_fails_on_shutdown,
);
