//! Events that a plugin refuses too often.

use std::time::Duration;

use serde_json::json;
use tests::on_every_store;
use tests::recorder::Recorder;
use tests::world::World;
use workflow_engine::kernel::{ReplayDeadLetters, ReplayDeadLettersOutput};
use workflow_engine::{DeadLetterFilter, ErrorCode};

use super::fixture::{ALL, begin, engine, finish, flush, flush_all, run};

async fn retries_wait_longer_each_time_and_end_in_a_dead_letter(world: World) {
    let plugin = Recorder::new("audit");
    plugin.refuse(|event, _| (event.sequence == 2).then_some("the ledger is closed"));
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    // The first attempt is immediate; the retries follow after one, two and four seconds.
    for (seconds, refused, given_up) in [(1, 1, 0), (2, 1, 0), (4, 1, 0), (1, 0, 1)] {
        let flushed = flush(&engine).await;
        assert_eq!((flushed.refused, flushed.given_up), (refused, given_up));
        world.clock.advance(Duration::from_micros(seconds * 1_000_000 - 1));
        assert_eq!(flush(&engine).await.offered(), 0);
        world.clock.advance(Duration::from_micros(1));
    }
    let letters = engine.dead_letters(None).limit(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!(
        (letter.plugin.as_str(), letter.error.as_str(), letter.attempts),
        ("audit", "the ledger is closed", 4)
    );
    assert_eq!((letter.event.run_id, letter.event.sequence), (run_id, 2));
    assert_eq!(letter.at, world.clock_now() - Duration::from_secs(1));
}

async fn trap_15_a_dead_letter_keeps_the_order_of_its_run(world: World) {
    let plugin = Recorder::new("audit").with(|policy| policy.max_retries = Some(0));
    plugin.refuse(|event, _| (event.sequence == 2).then_some("no"));
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = begin(&engine, 0).await;
    finish(&engine, run_id).await;
    flush_all(&world, &engine).await;
    plugin.accept();
    let other = run(&engine, 0).await;
    flush_all(&world, &engine).await;
    assert_eq!(plugin.taken_of(run_id), [1], "later events of the run wait");
    assert_eq!(plugin.taken_of(other), ALL, "events of another run do not wait");

    let replayed = engine.dispatch(ReplayDeadLetters::new(DeadLetterFilter::new(), 100)).await.unwrap();
    assert_eq!(replayed, ReplayDeadLettersOutput { replayed: 1 });
    flush(&engine).await;
    assert_eq!(plugin.taken_of(run_id), ALL);
    assert!(engine.dead_letters(None).limit(10).await.unwrap().is_empty());
}

async fn a_plugin_without_strict_order_continues_past_its_dead_letters(world: World) {
    let plugin = Recorder::new("metrics").with(|policy| policy.block_on_dead_letter = false);
    plugin.refuse(|event, _| [2, 3].contains(&event.sequence).then_some("no"));
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    flush_all(&world, &engine).await;
    assert_eq!(plugin.taken_of(run_id), [1, 4, 5]);
    assert_eq!(plugin.offered().len(), 3 + 2 * 4);

    // A replayed dead letter has all its retries again, and events that were delivered meanwhile are not repeated.
    engine.dispatch(ReplayDeadLetters::new(DeadLetterFilter::new(), 1)).await.unwrap();
    flush_all(&world, &engine).await;
    assert_eq!(plugin.offered().len(), 3 + 3 * 4);
    plugin.accept();
    engine.dispatch(ReplayDeadLetters::new(DeadLetterFilter::new(), 100)).await.unwrap();
    flush(&engine).await;
    assert_eq!(plugin.taken_of(run_id), [1, 4, 5, 2, 3]);
    assert_eq!(flush(&engine).await.offered(), 0);
}

async fn a_worker_delivers_replayed_dead_letters(world: World) {
    let plugin = Recorder::new("audit").with(|policy| policy.max_retries = Some(0));
    plugin.refuse(|_, _| Some("no"));
    let engine =
        world.engine().register::<super::fixture::counting>().plugin(plugin.clone()).build().await.unwrap();
    let run =
        engine.start::<super::fixture::counting>(super::fixture::CountsInput { times: 0 }).await.unwrap();
    run.output().await.unwrap();
    while engine.dead_letters(None).limit(1).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    plugin.accept();
    engine.dispatch(ReplayDeadLetters::new(DeadLetterFilter::new().plugin("audit"), 1)).await.unwrap();
    while plugin.taken_of(run.id()).len() < 5 {
        tokio::task::yield_now().await;
    }
    assert_eq!(plugin.taken_of(run.id()), ALL);
}

async fn dead_letters_are_replayed_by_json(world: World) {
    let (one, two) = (Recorder::new("run-1"), Recorder::new("run-10"));
    let plugins = [one, two].map(|plugin| plugin.with(|policy| policy.max_retries = Some(0)));
    for plugin in &plugins {
        plugin.refuse(|_, _| Some("no"));
    }
    let builder = plugins.iter().fold(engine(&world), |builder, plugin| builder.plugin(plugin.clone()));
    let engine = builder.build().await.unwrap();
    run(&engine, 0).await;
    flush(&engine).await;
    assert_eq!(engine.dead_letters(None).limit(10).await.unwrap().len(), 2);
    let replay = json!({"type": "plugin.replayDLQ", "plugin": "run-1"});
    let output = engine.kernel().dispatch_json(&replay.to_string()).await.unwrap();
    assert_eq!(output.as_str(), r#"{"replayed":1}"#, "trap 17: `run-10` is another plugin");
    let flush = json!({"type": "outbox.flush", "worker_id": "w", "plugin": "run-1"});
    let output = engine.kernel().dispatch_json(&flush.to_string()).await.unwrap();
    assert_eq!(output.as_str(), r#"{"published":0,"refused":0,"given_up":1}"#);
    let unclear = json!({"type": "plugin.replayDLQ", "sequence": 1});
    let error = engine.kernel().dispatch_json(&unclear.to_string()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    let run_id = engine.dead_letters(None).limit(1).await.unwrap()[0].event.run_id;
    let elsewhere = json!({"type": "plugin.replayDLQ", "run_id": run_id, "sequence": 1_000});
    let output = engine.kernel().dispatch_json(&elsewhere.to_string()).await.unwrap();
    assert_eq!(output.as_str(), r#"{"replayed":0}"#);
    let all = json!({"type": "plugin.replayDLQ", "max_events": 5});
    let output = engine.kernel().dispatch_json(&all.to_string()).await.unwrap();
    assert_eq!(output.as_str(), r#"{"replayed":2}"#);
}

on_every_store!(
    retries_wait_longer_each_time_and_end_in_a_dead_letter,
    trap_15_a_dead_letter_keeps_the_order_of_its_run,
    a_plugin_without_strict_order_continues_past_its_dead_letters,
    a_worker_delivers_replayed_dead_letters,
    dead_letters_are_replayed_by_json,
);
