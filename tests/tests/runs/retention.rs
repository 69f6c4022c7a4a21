//! The deletion of old terminal runs.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::on_every_store;
use tests::recorder::Recorder;
use tests::world::World;
use tokio::sync::watch;
use workflow_engine::blobs::FileBlobStore;
use workflow_engine::kernel::{FlushOutbox, PurgeRuns};
use workflow_engine::ports::{BlobStore, Store};
use workflow_engine::prelude::*;
use workflow_engine::records::BlobKey;
use workflow_engine::testing::{CollectingEventSink, InMemoryBlobStore};
use workflow_engine::{AnnotationFilter, EngineBuilder, Error, Json, RunId};

#[stage]
async fn repeats(text: String, ctx: &StageContext) -> StageResult<String> {
    ctx.log(workflow_engine::LogLevel::Info, "repeating", ());
    Ok(text.repeat(100))
}

#[stage]
async fn measures(text: String) -> StageResult<usize> {
    Ok(text.len())
}

workflow! { repeating = repeats >> measures }

const DAY: Duration = Duration::from_secs(86_400);

fn input() -> RepeatsInput {
    RepeatsInput { text: "again".into() }
}

async fn purge(engine: &Engine, older_than: Duration) -> Result<Vec<RunId>, Error> {
    let command = PurgeRuns { older_than, limit: 1_000, include_undelivered: false };
    engine.dispatch(command).await.map(|purged| purged.runs)
}

async fn a_reused_key_creates_a_new_run_after_the_purge(world: World) {
    let engine = world.engine().register::<repeating>().build().await.unwrap();
    let first = engine.start::<repeating>(input()).idempotency_key("order-7").await.unwrap();
    first.output().await.unwrap();
    world.clock.advance(DAY);
    assert!(purge(&engine, DAY * 2).await.unwrap().is_empty());
    assert_eq!(engine.start::<repeating>(input()).idempotency_key("order-7").await.unwrap().id(), first.id());
    assert_eq!(purge(&engine, DAY).await.unwrap(), [first.id()]);
    assert_eq!(first.record().await.unwrap_err().code(), "RUN_NOT_FOUND");
    let second = engine.start::<repeating>(input()).idempotency_key("order-7").await.unwrap();
    assert_ne!(second.id(), first.id());
    assert_eq!(second.output().await.unwrap(), 500);
}

async fn a_purge_deletes_up_to_its_limit_in_small_transactions(world: World) {
    let engine = world.engine().register::<repeating>().build().await.unwrap();
    let mut runs = HashSet::new();
    for _ in 0..50 {
        let run = engine.start::<repeating>(input()).await.unwrap();
        run.output().await.unwrap();
        runs.insert(run.id());
    }
    let command = PurgeRuns { older_than: Duration::ZERO, limit: 45, include_undelivered: false };
    let purged = engine.dispatch(command).await.unwrap().runs;
    assert_eq!(purged.len(), 45);
    assert_eq!(purge(&engine, Duration::ZERO).await.unwrap().len(), 5);
    assert_eq!(purged.iter().collect::<HashSet<_>>().len(), 45);
    assert!(purged.iter().all(|run_id| runs.contains(run_id)));
}

async fn every_read_of_a_purged_run_says_that_it_does_not_exist(world: World) {
    let engine = world.engine().register::<repeating>().build().await.unwrap();
    let run = engine.start::<repeating>(input()).await.unwrap();
    run.output().await.unwrap();
    let (mut events, mut logs) = (run.events(), run.logs());
    assert_eq!(purge(&engine, Duration::ZERO).await.unwrap(), [run.id()]);

    let mut errors = vec![
        events.next().await.unwrap().unwrap_err(),
        logs.next().await.unwrap().unwrap_err(),
        run.output().await.unwrap_err(),
        run.outputs().await.unwrap_err(),
        run.stages().await.unwrap_err(),
        run.annotations(&AnnotationFilter::new()).await.unwrap_err(),
        run.artifacts().await.unwrap_err(),
        run.artifact::<repeats, u32>("key").await.unwrap_err(),
        run.ai_calls().limit(10).await.unwrap_err(),
        run.cost_summary().await.unwrap_err(),
        run.input().await.unwrap_err(),
        run.status().await.unwrap_err(),
        run.blocked_reason().await.unwrap_err(),
        run.cancel("enough").await.unwrap_err(),
        run.wake::<repeats>().await.unwrap_err(),
    ];
    errors.extend(engine.run_handle::<repeating>(run.id()).await.err());
    assert_eq!(errors.len(), 16);
    for (number, error) in errors.iter().enumerate() {
        assert_eq!(error.code(), "RUN_NOT_FOUND", "{number}: {error}");
    }
    assert!(events.next().await.is_none() && logs.next().await.is_none());
}

/// Holds back the reads of events while it is closed.
struct Gate(watch::Sender<bool>);

#[async_trait]
impl Interceptor for Gate {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if call.method == "events" {
            let _ = self.0.subscribe().wait_for(|is_open| *is_open).await;
        }
        Ok(0)
    }
}

async fn a_reader_that_waits_while_its_run_is_purged_says_that_it_does_not_exist(world: World) {
    let gate = Arc::new(Gate(watch::Sender::new(true)));
    let store: Arc<dyn Store> = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&gate)));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<repeating>()
        .without_worker()
        .build()
        .await
        .unwrap();
    let run = engine.start::<repeating>(input()).await.unwrap();
    let mut events = run.events();
    assert_eq!(events.next().await.unwrap().unwrap().kind.name(), "workflow:created");
    let reading = tokio::spawn(async move { events.next().await });
    tokio::task::yield_now().await;
    gate.0.send_replace(false);
    assert!(run.cancel("enough").await.unwrap());
    assert_eq!(purge(&engine, Duration::ZERO).await.unwrap(), [run.id()]);
    gate.0.send_replace(true);
    let read = reading.await.unwrap().unwrap();
    assert_eq!(read.unwrap_err().code(), "RUN_NOT_FOUND");
}

/// A blob store whose deletions fail while the flag is set.
#[derive(Clone)]
struct FailingBlobStore(InMemoryBlobStore, Arc<AtomicBool>);

#[async_trait]
impl BlobStore for FailingBlobStore {
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error> {
        self.0.put(key, value).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        self.0.get(key).await
    }

    async fn has(&self, key: &BlobKey) -> Result<bool, Error> {
        self.0.has(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        if self.1.load(Ordering::Relaxed) {
            return Err(Error::blob_store("delete a blob", "the service is unavailable"));
        }
        self.0.delete(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, Error> {
        self.0.list(prefix).await
    }
}

async fn external_blobs_are_deleted_even_after_a_failure(world: World) {
    let (blobs, is_unavailable) = (InMemoryBlobStore::new(), Arc::new(AtomicBool::new(true)));
    let failing = FailingBlobStore(blobs.clone(), Arc::clone(&is_unavailable));
    let builder = world.engine().register::<repeating>().blob_store(failing).inline_limit(100);
    let engine = builder.build().await.unwrap();
    let old = engine.start::<repeating>(input()).await.unwrap();
    assert_eq!(old.output().await.unwrap(), 500);
    world.clock.advance(DAY);
    let new = engine.start::<repeating>(input()).await.unwrap();
    new.output().await.unwrap();
    assert_eq!(blobs.len(), 2);

    let error = purge(&engine, DAY).await.unwrap_err();
    assert_eq!(error.code(), "BLOB_STORE_FAILED");
    assert_eq!(error.to_string(), "cannot delete a blob: the service is unavailable");
    assert_eq!(
        old.record().await.unwrap_err().code(),
        "RUN_NOT_FOUND",
        "the run is deleted before its blobs"
    );
    assert_eq!(blobs.len(), 2);
    is_unavailable.store(false, Ordering::Relaxed);
    assert!(purge(&engine, DAY).await.unwrap().is_empty());
    assert_eq!(blobs.len(), 1, "the next purge deletes the remaining blobs");
    assert_eq!(new.outputs().await.unwrap().repeats.unwrap().len(), 500);
    assert!(world.store.purged_runs(10).await.unwrap().is_empty());
}

async fn blobs_can_be_stored_in_files(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FileBlobStore::open(folder.path()).await.unwrap();
    let builder = world.engine().register::<repeating>().blob_store(blobs.clone()).inline_limit(100);
    let engine = builder.build().await.unwrap();
    let run = engine.start::<repeating>(input()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 500);
    assert_eq!(run.outputs().await.unwrap().repeats.unwrap().len(), 500);
    let keys = blobs.list(&run.id().to_string()).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].0, format!("{}/repeats/1/1", run.id()));
    assert!(
        world.store.blob(&keys[0]).await.unwrap().is_none(),
        "the blob is not stored in the database as well"
    );
    purge(&engine, Duration::ZERO).await.unwrap();
    assert!(blobs.list("").await.unwrap().is_empty());
}

async fn a_worker_deletes_old_runs(world: World) {
    let builder = world.engine().register::<repeating>().retention(DAY).lease(DAY * 100);
    let engine = builder.build().await.unwrap();
    let run = engine.start::<repeating>(input()).await.unwrap();
    run.output().await.unwrap();
    let began = world.clock_now();
    while run.record().await.is_ok() {
        if let Some(wake) = world.clock.next_wake().filter(|wake| *wake < began + DAY * 3) {
            world.clock.advance((wake - world.clock_now()).to_std().unwrap_or_default());
        }
        tokio::task::yield_now().await;
    }
    assert!(world.clock_now() >= began + DAY);
    engine.drain().await;
}

/// A run is purged only after all its events were delivered.
async fn a_purge_beside_running_workers_loses_no_event(world: World) {
    let (sink, plugin) = (CollectingEventSink::new(), Recorder::new("plugin"));
    let builder = world.engine().register::<repeating>().event_sink(sink.clone()).plugin(plugin.clone());
    let engine = builder.build().await.unwrap();
    let is_finished = Arc::new(AtomicBool::new(false));
    let purging = tokio::spawn({
        let (engine, is_finished) = (engine.clone(), Arc::clone(&is_finished));
        async move {
            let mut purged = Vec::new();
            loop {
                // Read before the purge, so that the last purge starts after the end of the last run.
                let last = is_finished.load(Ordering::SeqCst);
                purged.extend(purge(&engine, Duration::ZERO).await.unwrap());
                if last {
                    return purged;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let mut runs = Vec::new();
    for _ in 0..60 {
        runs.push(engine.start::<repeating>(input()).await.unwrap().id());
    }
    // Seven events each.
    sink.wait_for(60 * 7).await;
    engine.drain().await;
    is_finished.store(true, Ordering::SeqCst);
    let purged: HashSet<RunId> = purging.await.unwrap().into_iter().collect();
    assert_eq!(purged, runs.iter().copied().collect());
    for run_id in runs {
        let sequences: Vec<u64> = sink.events_of(run_id).iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(plugin.taken_of(run_id), sequences);
    }
}

async fn a_run_with_undelivered_events_is_kept_unless_the_purge_includes_it(world: World) {
    let plugin = Recorder::new("plugin");
    plugin.refuse(|_, _| Some("not now"));
    let engine =
        world.engine().register::<repeating>().plugin(plugin.clone()).without_worker().build().await.unwrap();
    let run = engine.start::<repeating>(input()).await.unwrap();
    assert!(run.cancel("not wanted").await.unwrap());
    assert!(purge(&engine, Duration::ZERO).await.unwrap().is_empty());
    let flush = || FlushOutbox { worker_id: "w".into(), limit: 100, plugin: None };
    engine.dispatch(flush()).await.unwrap();
    assert!(purge(&engine, Duration::ZERO).await.unwrap().is_empty());
    let anyway = PurgeRuns { older_than: Duration::ZERO, limit: 10, include_undelivered: true };
    assert_eq!(engine.dispatch(anyway).await.unwrap().runs, [run.id()]);
    world.clock.advance(DAY);
    assert_eq!(engine.dispatch(flush()).await.unwrap().offered(), 0);
}

on_every_store!(
    a_reused_key_creates_a_new_run_after_the_purge,
    every_read_of_a_purged_run_says_that_it_does_not_exist,
    a_reader_that_waits_while_its_run_is_purged_says_that_it_does_not_exist,
    a_purge_deletes_up_to_its_limit_in_small_transactions,
    external_blobs_are_deleted_even_after_a_failure,
    blobs_can_be_stored_in_files,
    a_worker_deletes_old_runs,
    a_purge_beside_running_workers_loses_no_event,
    a_run_with_undelivered_events_is_kept_unless_the_purge_includes_it,
);
