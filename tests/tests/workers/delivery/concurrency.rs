//! Calls at the same time, batches, and the policy of the sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ports::{BatchError, DeliveryError, DeliveryPolicy, DeliveryStart, EventSink, Plugin};
use workflow_engine::records::Event;
use workflow_engine::{Engine, RunId};

use super::fixture::{begin, engine, flush, run};

/// Counts its calls, and how many of them run at the same time.
#[derive(Clone)]
struct Gauge {
    policy: DeliveryPolicy,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    events: Arc<AtomicUsize>,
}

impl Gauge {
    fn new(change: impl FnOnce(&mut DeliveryPolicy)) -> Self {
        let mut policy = DeliveryPolicy::of_sink();
        change(&mut policy);
        Self {
            policy,
            running: Arc::default(),
            most: Arc::default(),
            calls: Arc::default(),
            events: Arc::default(),
        }
    }

    async fn call(&self, events: usize) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        // Long enough for all others that may run at the same time to begin.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.events.fetch_add(events, Ordering::SeqCst);
    }

    fn counts(&self) -> (usize, usize, usize) {
        let [most, calls, events] =
            [&self.most, &self.calls, &self.events].map(|count| count.load(Ordering::SeqCst));
        (most, calls, events)
    }
}

#[async_trait]
impl EventSink for Gauge {
    async fn deliver(&self, _: &Event) -> Result<(), DeliveryError> {
        self.call(1).await;
        Ok(())
    }

    fn policy(&self) -> DeliveryPolicy {
        self.policy.clone()
    }

    async fn deliver_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        self.call(events.len()).await;
        Ok(())
    }
}

/// With 5 ms a call, 1,000 events take 63 rounds of 16 calls: a third of a second.
async fn different_runs_are_delivered_at_the_same_time(world: World) {
    for (concurrency, expected) in [(None, 16), (Some(3), 3)] {
        let gauge = Gauge::new(|policy| policy.concurrency = concurrency.unwrap_or(policy.concurrency));
        let engine = engine(&world).event_sink(gauge.clone()).build().await.unwrap();
        for _ in 0..40 {
            begin(&engine, 0).await;
        }
        assert_eq!(flush(&engine).await.published, 40);
        assert_eq!(gauge.counts(), (expected, 40, 40));
    }
}

async fn a_subscriber_can_take_batches(world: World) {
    let gauge = Gauge::new(|policy| (policy.concurrency, policy.max_batch) = (1, 20));
    let engine = engine(&world).event_sink(gauge.clone()).build().await.unwrap();
    for _ in 0..40 {
        begin(&engine, 0).await;
    }
    assert_eq!(flush(&engine).await.published, 40);
    assert_eq!(gauge.counts(), (1, 2, 40));
}

/// Takes batches; refuses from one event on, or as a whole.
#[derive(Clone)]
struct Batches {
    calls: Arc<AtomicUsize>,
    refuses: fn(&[Event]) -> Result<(), BatchError>,
}

#[async_trait]
impl Plugin for Batches {
    fn name(&self) -> &'static str {
        "batches"
    }

    fn policy(&self) -> DeliveryPolicy {
        let mut policy = DeliveryPolicy::default();
        policy.max_batch = 4;
        policy
    }

    async fn handle(&self, _: &Event) -> Result<(), DeliveryError> {
        unreachable!("it takes batches")
    }

    async fn handle_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        (self.refuses)(events)
    }
}

async fn a_batch_is_acknowledged_up_to_the_refused_event(world: World) {
    let refuses = |events: &[Event]| match events.iter().position(|event| event.sequence == 3) {
        Some(at) => Err(BatchError::after(at, "not the third")),
        None => Ok(()),
    };
    let plugin = Batches { calls: Arc::default(), refuses };
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    let flushed = flush(&engine).await;
    assert_eq!((flushed.published, flushed.refused), (2, 1));
    assert_eq!(plugin.calls.load(Ordering::SeqCst), 1);
    the_third_event_becomes_a_dead_letter(&world, &engine, run_id).await;
}

async fn the_third_event_becomes_a_dead_letter(world: &World, engine: &Engine, run_id: RunId) {
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(300));
        flush(engine).await;
    }
    let letters = engine.dead_letters(Some("batches")).limit(10).await.unwrap();
    let letters: Vec<_> =
        letters.iter().map(|letter| (letter.event.run_id, letter.event.sequence, letter.attempts)).collect();
    assert_eq!(letters, [(run_id, 3, 4)]);
}

/// The engine finds the event at which a batch fails, so that only this one is retried and becomes a dead letter.
async fn a_batch_that_is_refused_as_a_whole_is_offered_one_by_one(world: World) {
    let refuses = |events: &[Event]| {
        let bad = std::io::Error::other("one of them is bad");
        if events.iter().any(|event| event.sequence == 3) { Err(bad.into()) } else { Ok(()) }
    };
    let plugin = Batches { calls: Arc::default(), refuses };
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    let flushed = flush(&engine).await;
    assert_eq!((flushed.published, flushed.refused), (2, 1));
    assert_eq!(plugin.calls.load(Ordering::SeqCst), 4, "one batch, and three events");
    the_third_event_becomes_a_dead_letter(&world, &engine, run_id).await;
}

async fn the_policy_of_the_sink_can_be_set_like_that_of_a_plugin(world: World) {
    let gauge = Gauge::new(|policy| policy.max_batch = 0);
    let error = engine(&world).event_sink(gauge).build().await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("`max_batch` of 0"), "{error}");

    let gauge = Gauge::new(|policy| policy.start = DeliveryStart::Oldest);
    run(&engine(&world).build().await.unwrap(), 0).await;
    let engine = engine(&world).event_sink(gauge.clone()).build().await.unwrap();
    flush(&engine).await;
    assert_eq!(gauge.counts(), (1, 5, 5));
}

on_every_store!(
    different_runs_are_delivered_at_the_same_time,
    a_subscriber_can_take_batches,
    a_batch_is_acknowledged_up_to_the_refused_event,
    a_batch_that_is_refused_as_a_whole_is_offered_one_by_one,
    the_policy_of_the_sink_can_be_set_like_that_of_a_plugin,
);
