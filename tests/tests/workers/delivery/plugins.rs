//! Plugins beside each other and the sink.

use std::time::Duration;

use async_trait::async_trait;
use tests::on_every_store;
use tests::recorder::Recorder;
use tests::world::World;
use workflow_engine::kernel::FlushOutbox;
use workflow_engine::ports::{DeliveryError, DeliveryPolicy, Plugin};
use workflow_engine::records::{Event, EventType};
use workflow_engine::testing::CollectingEventSink;

use super::fixture::{ALL, CountsInput, begin, counting, engine, finish, flush, flush_all, run};

async fn a_plugin_receives_its_event_types(world: World) {
    let all = Recorder::new("all");
    let ends = Recorder::new("ends").on(&[EventType::WorkflowCompleted, EventType::WorkflowFailed]);
    let engine = engine(&world).plugin(all.clone()).plugin(ends.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    assert_eq!(flush(&engine).await.published, 6);
    assert_eq!(all.taken_of(run_id), ALL);
    assert_eq!(ends.taken_of(run_id), [5]);
    assert_eq!(flush(&engine).await.offered(), 0);
}

async fn a_failing_plugin_does_not_delay_or_repeat_events_for_others(world: World) {
    let (good, bad, sink) = (Recorder::new("good"), Recorder::new("bad"), CollectingEventSink::new());
    bad.refuse(|event, _| (event.sequence == 2).then_some("no"));
    let builder = engine(&world).event_sink(sink.clone()).plugin(bad.clone()).plugin(good.clone());
    let engine = builder.build().await.unwrap();
    let first = begin(&engine, 0).await;
    flush(&engine).await;
    finish(&engine, first).await;
    let second = run(&engine, 0).await;
    for _ in 0..3 {
        flush(&engine).await;
        world.clock.advance(Duration::from_secs(300));
    }
    assert_eq!(good.offered().len(), 10, "no event is repeated");
    for run_id in [first, second] {
        assert_eq!(good.taken_of(run_id), ALL);
        assert_eq!(bad.taken_of(run_id), [1]);
        let sequences: Vec<u64> = sink.events_of(run_id).iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, ALL);
    }
}

/// The sink has no dead letters: the flusher offers an event until the sink accepts it.
async fn a_refusing_sink_is_retried(world: World) {
    let sink = CollectingEventSink::new();
    let engine = engine(&world).event_sink(sink.clone()).build().await.unwrap();
    sink.refuse(|event| (event.sequence == 3).then(|| "full".to_owned()));
    let run_id = run(&engine, 0).await;
    for _ in 0..20 {
        flush(&engine).await;
        world.clock.advance(Duration::from_secs(300));
    }
    assert_eq!((sink.refusals(), sink.events().len()), (20, 2));
    sink.accept();
    flush(&engine).await;
    let sequences: Vec<u64> = sink.events_of(run_id).iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, ALL);
    assert!(engine.dead_letters(None).limit(10).await.unwrap().is_empty());
}

/// A plugin that panics at the first event, and never finishes the second one.
struct Broken;

#[async_trait]
impl Plugin for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn policy(&self) -> DeliveryPolicy {
        let mut policy = DeliveryPolicy::default();
        (policy.max_retries, policy.block_on_dead_letter) = (Some(0), false);
        policy
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        match event.sequence {
            1 => panic!("out of order"),
            2 => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

async fn a_panic_or_timeout_of_a_plugin_is_a_refusal(world: World) {
    let engine = engine(&world).plugin(Broken).build().await.unwrap();
    run(&engine, 0).await;
    let flushing = tokio::spawn({
        let engine = engine.clone();
        async move { flush(&engine).await }
    });
    while !flushing.is_finished() {
        // Advance the clock only while the hanging plugin waits.
        if world.clock.next_wake().is_some() {
            world.clock.advance(Duration::from_secs(1));
        }
        tokio::task::yield_now().await;
    }
    let flushed = flushing.await.unwrap();
    assert_eq!((flushed.published, flushed.given_up), (3, 2));
    let letters = engine.dead_letters(Some("broken")).limit(10).await.unwrap();
    let errors: Vec<&str> = letters.iter().map(|letter| letter.error.as_str()).collect();
    assert_eq!(errors, ["panicked: out of order", "timed out after 10s"]);
}

/// Delivery is gapless and at least once, and first deliveries are in order, in spite of refusals.
async fn g7_every_plugin_receives_every_event_in_order(world: World) {
    let flaky = |name, modulus| {
        let plugin = Recorder::new(name);
        // Each event is refused as often as its sequence number modulo `modulus`, which is within the retries.
        plugin.refuse(move |event, before| ((before as u64) < event.sequence % modulus).then_some("not yet"));
        plugin
    };
    let plugins = [flaky("steady", 1), flaky("flaky", 2), flaky("flakier", 4)];
    let builder = plugins.iter().fold(engine(&world), |builder, plugin| builder.plugin(plugin.clone()));
    let engine = builder.build().await.unwrap();
    let mut runs = Vec::new();
    for times in 0..12 {
        runs.push(run(&engine, times).await);
        flush(&engine).await;
        world.clock.advance(Duration::from_millis(700));
    }
    flush_all(&world, &engine).await;
    for run_id in runs {
        let last = world.store.run(run_id).await.unwrap().unwrap().last_sequence;
        let all: Vec<u64> = (1..=last).collect();
        for plugin in &plugins {
            assert_eq!(plugin.taken_of(run_id), all);
            let mut first: Vec<u64> =
                plugin.offered().into_iter().filter(|(of, _)| *of == run_id).map(|(_, n)| n).collect();
            first.dedup();
            assert_eq!(first, all, "no event is offered before an earlier one is accepted");
        }
    }
    assert!(engine.dead_letters(None).limit(10).await.unwrap().is_empty());
}

async fn a_worker_delivers_to_every_subscriber_before_it_stops(world: World) {
    let (plugin, sink) = (Recorder::new("plugin"), CollectingEventSink::new());
    let builder = world.engine().register::<counting>().event_sink(sink.clone()).plugin(plugin.clone());
    let engine = builder.build().await.unwrap();
    let mut runs = Vec::new();
    for _ in 0..10 {
        runs.push(engine.start::<counting>(CountsInput { times: 0 }).await.unwrap());
    }
    sink.wait_for(1).await;
    for run in &runs {
        run.output().await.unwrap();
    }
    engine.drain().await;
    for run in runs {
        assert_eq!(plugin.taken_of(run.id()), ALL, "including the last event of the last run");
        assert_eq!(sink.events_of(run.id()).len(), 5);
    }
}

async fn a_worker_retries_a_delivery_when_it_is_due(world: World) {
    let plugin = Recorder::new("plugin");
    plugin.refuse(|event, before| (event.sequence == 1 && before < 3).then_some("not yet"));
    let builder = world.engine().register::<counting>().lease(Duration::from_secs(1_000_000));
    let engine = builder.plugin(plugin.clone()).build().await.unwrap();
    let run = engine.start::<counting>(CountsInput { times: 0 }).await.unwrap();
    run.output().await.unwrap();
    while plugin.taken().len() < 5 {
        // Advance to the next retry, but not to the timeout of a delivery.
        let wait =
            world.clock.next_wake().map(|wake| (wake - world.clock_now()).to_std().unwrap_or_default());
        if let Some(wait) = wait.filter(|wait| *wait <= Duration::from_secs(4)) {
            world.clock.advance(wait);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(plugin.taken_of(run.id()), ALL);
    assert_eq!(plugin.offered().len(), 8);
}

async fn names_of_plugins_are_checked(world: World) {
    let twice = engine(&world).plugin(Recorder::new("a")).plugin(Recorder::new("a")).build().await;
    let error = twice.unwrap_err();
    assert_eq!(
        (error.code().as_str(), error.to_string().as_str()),
        ("DUPLICATE_PLUGIN", "two plugins are named `a`")
    );
    for name in ["", "sink", "a\nb"] {
        let error = engine(&world).plugin(Recorder::new(name)).build().await.unwrap_err();
        assert!(error.is_invalid_input(), "{name}: {error}");
    }
}

async fn a_flush_of_one_plugin_leaves_the_others_alone(world: World) {
    let (one, other) = (Recorder::new("one"), Recorder::new("other"));
    let engine = engine(&world).plugin(one.clone()).plugin(other.clone()).build().await.unwrap();
    run(&engine, 0).await;
    let command = FlushOutbox { worker_id: "w".into(), limit: 3, plugin: Some("one".into()) };
    engine.dispatch(command).await.unwrap();
    assert_eq!((one.taken().len(), other.taken().len()), (3, 0));
    flush(&engine).await;
    assert_eq!((one.taken().len(), other.taken().len()), (5, 5));
}

on_every_store!(
    a_plugin_receives_its_event_types,
    a_failing_plugin_does_not_delay_or_repeat_events_for_others,
    a_refusing_sink_is_retried,
    a_panic_or_timeout_of_a_plugin_is_a_refusal,
    g7_every_plugin_receives_every_event_in_order,
    a_worker_delivers_to_every_subscriber_before_it_stops,
    a_worker_retries_a_delivery_when_it_is_due,
    names_of_plugins_are_checked,
    a_flush_of_one_plugin_leaves_the_others_alone,
);
