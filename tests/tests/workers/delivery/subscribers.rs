//! Subscribers that some processes have and others do not, and their registration.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tests::on_every_store;
use tests::recorder::Recorder;
use tests::world::World;
use tokio::sync::Semaphore;
use workflow_engine::RunId;
use workflow_engine::kernel::{CancelRun, ReapStaleLeases, RemoveSubscriber};
use workflow_engine::ports::{DeliveryError, DeliveryPolicy, DeliveryStart, Plugin};
use workflow_engine::records::{Event, EventType};

use super::fixture::{ALL, CountsInput, begin, counting, engine, finish, flush, flush_as, run};

async fn the_events_of_a_process_without_plugins_reach_the_plugins_of_the_worker(world: World) {
    let plugin = Recorder::new("audit");
    // The front end was built before the plugin existed, and knows nothing of it.
    let front_end = engine(&world).build().await.unwrap();
    let worker = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let cancelled = begin(&front_end, 0).await;
    front_end.dispatch(CancelRun { run_id: cancelled, reason: None }).await.unwrap();
    let completed = run(&front_end, 0).await;
    flush(&worker).await;
    let names = world.store.events(cancelled, 0, 10).await.unwrap();
    let names: Vec<_> = names.iter().map(|event| event.kind.name()).collect();
    assert_eq!(names, ["workflow:created", "workflow:cancelled"]);
    assert_eq!(plugin.taken_of(cancelled), [1, 2]);
    assert_eq!(plugin.taken_of(completed), ALL);
}

async fn the_events_of_an_earlier_version_reach_a_plugin_that_is_not_running(world: World) {
    let plugin = Recorder::new("audit");
    drop(engine(&world).plugin(plugin.clone()).build().await.unwrap());
    let front_end = engine(&world).build().await.unwrap();
    let run_id = run(&front_end, 0).await;
    assert_eq!(flush(&front_end).await.offered(), 0);
    let worker = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    flush(&worker).await;
    assert_eq!(plugin.taken_of(run_id), ALL);
}

async fn processes_with_different_plugins_receive_every_event_in_each(world: World) {
    let (mails, metrics) = (Recorder::new("mails"), Recorder::new("metrics"));
    let one = engine(&world).plugin(mails.clone()).build().await.unwrap();
    let other = engine(&world).plugin(metrics.clone()).build().await.unwrap();
    let mut runs = Vec::new();
    for number in 0..6 {
        let (starter, finisher) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let run_id = begin(starter, 0).await;
        flush_as(finisher, "finisher").await;
        finish(finisher, run_id).await;
        runs.push(run_id);
    }
    flush_as(&one, "one").await;
    flush_as(&other, "other").await;
    for run_id in runs {
        assert_eq!((mails.taken_of(run_id), metrics.taken_of(run_id)), (ALL.to_vec(), ALL.to_vec()));
    }
}

async fn a_plugin_can_begin_with_the_oldest_event(world: World) {
    let old = engine(&world).build().await.unwrap();
    let before = run(&old, 0).await;
    let from_now = Recorder::new("from-now");
    let from_oldest = Recorder::new("from-oldest").with(|policy| policy.start = DeliveryStart::Oldest);
    let builder = engine(&world).plugin(from_now.clone()).plugin(from_oldest.clone());
    let engine = builder.build().await.unwrap();
    let after = run(&engine, 0).await;
    flush(&engine).await;
    assert_eq!((from_now.taken_of(before), from_now.taken_of(after)), (vec![], ALL.to_vec()));
    assert_eq!((from_oldest.taken_of(before), from_oldest.taken_of(after)), (ALL.to_vec(), ALL.to_vec()));
}

/// A new version adds an event type. The old version would skip its events, so it leaves them to the new one.
async fn a_plugin_whose_event_types_change_misses_none_of_them(world: World) {
    let before = Recorder::new("audit").on(&[EventType::WorkflowCompleted]);
    let after = Recorder::new("audit").on(&[EventType::WorkflowCompleted, EventType::StageStarted]);
    let old = engine(&world).plugin(before.clone()).build().await.unwrap();
    let new = engine(&world).plugin(after.clone()).build().await.unwrap();
    let run_id = run(&old, 0).await;
    let command = workflow_engine::kernel::FlushOutbox { worker_id: "old".into(), limit: 100, plugin: None };
    let error = old.dispatch(command).await.unwrap_err();
    assert_eq!(error.code(), "SUBSCRIPTION_OUTDATED");
    flush(&new).await;
    assert_eq!((before.taken_of(run_id), after.taken_of(run_id)), (vec![], vec![3, 5]));

    // When the old version starts again, its types count.
    let old = engine(&world).plugin(before.clone()).build().await.unwrap();
    let run_id = run(&old, 0).await;
    flush(&old).await;
    assert_eq!(before.taken_of(run_id), [5]);
}

async fn a_removed_plugin_leaves_nothing_behind(world: World) {
    let plugin = Recorder::new("audit");
    plugin.refuse(|_, _| Some("no"));
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    run(&engine, 0).await;
    flush(&engine).await;
    assert_eq!(engine.subscribers().await.unwrap().len(), 1);
    assert!(engine.remove_subscriber("audit").await.unwrap());
    assert!(!engine.dispatch(RemoveSubscriber { name: "audit".into() }).await.unwrap().removed);
    run(&engine, 0).await;
    assert!(world.store.next_delivery_due("audit").await.unwrap().is_none());
    assert!(engine.subscribers().await.unwrap().is_empty());
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!((flush(&engine).await.offered(), plugin.offered().len()), (0, 1));
}

async fn a_subscriber_that_recovers_receives_everything_at_once(world: World) {
    let plugin = Recorder::new("audit").with(|policy| policy.max_retries = None);
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(run(&engine, 0).await);
    }
    plugin.refuse(|_, _| Some("down"));
    for _ in 0..12 {
        flush(&engine).await;
        world.clock.advance(Duration::from_secs(300));
    }
    flush(&engine).await;
    plugin.accept();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(flush(&engine).await.offered(), 0, "all of them wait for minutes");
    let new = run(&engine, 0).await;
    flush(&engine).await;
    for run_id in runs {
        assert_eq!(plugin.taken_of(run_id), ALL, "the first success brings all others");
    }
    assert_eq!(plugin.taken_of(new), ALL);
}

async fn an_event_that_is_always_refused_keeps_its_backoff(world: World) {
    let plugin = Recorder::new("audit");
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let bad = run(&engine, 0).await;
    plugin.refuse(move |event, _| (event.run_id == bad).then_some("never this one"));
    for _ in 0..10 {
        flush(&engine).await;
        run(&engine, 0).await;
    }
    assert_eq!(plugin.offered().iter().filter(|(run_id, _)| *run_id == bad).count(), 1);
    assert!(engine.dead_letters(None).limit(10).await.unwrap().is_empty());
}

/// A plugin whose calls for one run, the first that it sees, each wait for a permit.
#[derive(Clone)]
struct Slow {
    held: Arc<OnceLock<RunId>>,
    permits: Arc<Semaphore>,
    recorder: Recorder,
}

impl Slow {
    fn new() -> Self {
        let permits = Arc::new(Semaphore::new(0));
        Self { held: Arc::default(), permits, recorder: Recorder::new("slow") }
    }
}

#[async_trait]
impl Plugin for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn policy(&self) -> DeliveryPolicy {
        let mut policy = DeliveryPolicy::default();
        policy.timeout = Duration::from_secs(600);
        policy
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        if *self.held.get_or_init(|| event.run_id) == event.run_id {
            self.permits.acquire().await?.forget();
        }
        self.recorder.handle(event).await
    }
}

/// The lease is 15 s, and the call takes a minute.
async fn a_slow_call_keeps_its_lease_while_its_process_lives(world: World) {
    let slow = Slow::new();
    let one = engine(&world).plugin(slow.clone()).build().await.unwrap();
    let other = engine(&world).plugin(slow.clone()).build().await.unwrap();
    let run_id = begin(&one, 0).await;
    let flushing = tokio::spawn(async move { flush_as(&one, "one").await });
    let began = world.clock_now();
    while world.clock_now() < began + Duration::from_secs(60) {
        // The flush waits for its renewal, which is due every five seconds. During the renewal, only the timeout of the call
        // is due, much later.
        let wait =
            world.clock.next_wake().map(|next| (next - world.clock_now()).to_std().unwrap_or_default());
        if let Some(wait) = wait.filter(|wait| *wait <= Duration::from_secs(5)) {
            assert_eq!(flush_as(&other, "other").await.offered(), 0);
            world.clock.advance(wait);
        }
        tokio::task::yield_now().await;
    }
    slow.permits.add_permits(1);
    assert_eq!(flushing.await.unwrap().published, 1);
    assert_eq!(slow.recorder.offered(), [(run_id, 1)]);
}

async fn a_slow_call_delays_no_other_run(world: World) {
    let slow = Slow::new();
    let builder = world.engine().register::<counting>().plugin(slow.clone());
    let engine = builder.lease(Duration::from_secs(1_000_000)).build().await.unwrap();
    let first = engine.start::<counting>(CountsInput { times: 0 }).await.unwrap();
    first.output().await.unwrap();
    while slow.held.get().is_none() {
        tokio::task::yield_now().await;
    }
    // The first call is in progress, and the events of a later run pass it.
    let second = engine.start::<counting>(CountsInput { times: 0 }).await.unwrap();
    second.output().await.unwrap();
    while slow.recorder.taken_of(second.id()) != ALL {
        tokio::task::yield_now().await;
    }
    assert!(slow.recorder.taken_of(first.id()).is_empty());
    slow.permits.add_permits(5);
    engine.drain().await;
    assert_eq!(slow.recorder.taken_of(first.id()), ALL);
}

async fn the_deliveries_of_a_dead_process_continue_at_once(world: World) {
    let plugin = Recorder::new("audit");
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    let mut claim = tests::deliveries::ask();
    claim.subscription.subscriber = "audit".into();
    claim.claim.worker_id = "killed".into();
    claim.claim.lease = Duration::from_secs(1_800);
    assert_eq!(world.store.claim_deliveries(&claim).await.unwrap().len(), 1);
    assert_eq!(flush(&engine).await.offered(), 0);
    let dead_workers = world.store.lease_holders().await.unwrap();
    assert_eq!(dead_workers, ["killed"]);
    engine.dispatch(ReapStaleLeases { dead_workers, ..ReapStaleLeases::default() }).await.unwrap();
    flush(&engine).await;
    assert_eq!(plugin.taken_of(run_id), ALL);
}

on_every_store!(
    the_events_of_a_process_without_plugins_reach_the_plugins_of_the_worker,
    the_events_of_an_earlier_version_reach_a_plugin_that_is_not_running,
    processes_with_different_plugins_receive_every_event_in_each,
    a_plugin_can_begin_with_the_oldest_event,
    a_plugin_whose_event_types_change_misses_none_of_them,
    a_removed_plugin_leaves_nothing_behind,
    a_subscriber_that_recovers_receives_everything_at_once,
    an_event_that_is_always_refused_keeps_its_backoff,
    a_slow_call_keeps_its_lease_while_its_process_lives,
    a_slow_call_delays_no_other_run,
    the_deliveries_of_a_dead_process_continue_at_once,
);
