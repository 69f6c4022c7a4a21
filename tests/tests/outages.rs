//! What the log and the loops of a process do while the store is away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{Connection, PgConnection, SqliteConnection};
use tests::log_lines::LogLines;
use tests::postgres::{Cluster, is_available, pooler};
use tokio::time::timeout;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{DeliveryError, EventSink, JobTransport, Persistence, Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::Event;
use workflow_engine::stores::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

const TIMEOUT: Duration = Duration::from_secs(300);

const AWAY: &str = "the store is unavailable";
const BACK: &str = "the store is available again";

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

struct Sink;

#[async_trait]
impl EventSink for Sink {
    async fn deliver(&self, _event: &Event) -> Result<(), DeliveryError> {
        Ok(())
    }
}

/// Starts an engine on a cluster, crashes the cluster until the loops have failed often, and restarts it.
async fn crash_and_restart(cluster: &Cluster, options: PostgresOptions, log: &LogLines) {
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    let engine = EngineBuilder::with_store(store, Arc::new(SystemClock))
        .register::<doubling>()
        .event_sink(Sink)
        .retention(Duration::from_secs(3_600))
        // A shorter one could end during a slow commit, and the log would have a line about that.
        .lease(Duration::from_secs(10));
    let engine = engine.build().await.unwrap();
    let doubled = engine.start::<doubling>(DoubleInput { number: 4 }).await.unwrap().output().await;
    assert_eq!(doubled.unwrap(), 8);
    assert_eq!(log.loud(), [""; 0]);

    cluster.crash();
    // This failure comes to its caller, who repeats the call; the claim that it hints at fails in the background.
    while engine.start::<doubling>(DoubleInput { number: 4 }).await.is_ok() {}
    log.wait_for(12, "failed again and retries").await;
    cluster.restart();
    log.wait_for(1, BACK).await;
    loop {
        let Ok(run) = engine.start::<doubling>(DoubleInput { number: 5 }).await else { continue };
        assert_eq!(run.output().await.unwrap(), 10);
        break;
    }
    engine.shutdown().await;
}

/// Every loop of a worker uses the database, and each of them notices that it is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_server_is_one_line_when_it_goes_and_one_when_it_is_back() {
    if !is_available("a_restart_of_the_server_is_one_line_when_it_goes_and_one_when_it_is_back") {
        return;
    }
    let Some(cluster) = Cluster::start() else { return };
    let log = LogLines::record().await;
    timeout(TIMEOUT, crash_and_restart(&cluster, PostgresOptions::new(cluster.url()), &log)).await.unwrap();
    let loud = log.loud();
    assert!(matches!(&loud[..], [away, back] if away.contains(AWAY) && back.contains(BACK)), "{loud:#?}");
    assert!(loud[1].contains("seconds="), "{loud:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_behind_a_pooler_is_two_lines_as_well() {
    if !is_available("an_outage_behind_a_pooler_is_two_lines_as_well") {
        return;
    }
    let Some(cluster) = Cluster::start() else { return };
    let log = LogLines::record().await;
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    let mut options = PostgresOptions::new(pooler.url());
    options.behind_pooler = true;
    timeout(TIMEOUT, crash_and_restart(&cluster, options, &log)).await.unwrap();
    let loud = log.loud();
    assert!(matches!(&loud[..], [away, back] if away.contains(AWAY) && back.contains(BACK)), "{loud:#?}");
}

/// Otherwise each failed poll would wake every loop of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_poll_is_no_change() {
    if !is_available("a_failed_poll_is_no_change") {
        return;
    }
    let Some(cluster) = Cluster::start() else { return };
    let log = LogLines::record().await;
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    let mut options = PostgresOptions::new(pooler.url());
    options.behind_pooler = true;
    let store = PostgresStore::open(options).await.unwrap();
    let mut external = store.hints().watch_external();
    // Until a poll has found a write of another session, and so has a result to compare the next one with.
    let mut writer = PgConnection::connect(cluster.url()).await.unwrap();
    while !external.has_changed().unwrap() {
        sqlx::raw_sql("SELECT pg_current_xact_id()").execute(&mut writer).await.unwrap();
    }
    cluster.crash();
    timeout(TIMEOUT, log.wait_for(1, "poll for commits")).await.unwrap();
    external.mark_unchanged();
    timeout(TIMEOUT, log.wait_for(4, "poll for commits")).await.unwrap();
    assert!(!external.has_changed().unwrap());
    cluster.restart();
    timeout(TIMEOUT, log.wait_for(1, BACK)).await.unwrap();
    store.close().await;
}

/// SQLite cannot tell whether a commit that failed was written, so each of them counts as a change. The change must not
/// make a loop repeat the commit at once: on a full disk it would do so for as long as the disk is full.
#[tokio::test]
async fn a_commit_that_fails_does_not_spin_the_loop_that_repeats_it() {
    let log = LogLines::record().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db").to_str().unwrap().to_owned();
    let clock = FakeClock::new();
    let mut options = SqliteOptions::new(&path);
    options.clock = Arc::new(clock.clone());
    let store = Arc::new(SqliteStore::open(options).await.unwrap());
    let mut connection = SqliteConnection::connect(&path).await.unwrap();
    // Each commit that touches a delivery fails at its end.
    let refuse = "CREATE TABLE parents (id INTEGER PRIMARY KEY);
        CREATE TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER refuse AFTER INSERT ON workflow_plugin_deliveries BEGIN
            INSERT INTO children VALUES (1);
        END";
    sqlx::raw_sql(refuse).execute(&mut connection).await.unwrap();

    let shared: Arc<dyn Store> = Arc::<SqliteStore>::clone(&store);
    let engine = EngineBuilder::with_store(shared, Arc::new(clock.clone())).register::<doubling>();
    let engine = engine.event_sink(Sink).build().await.unwrap();
    let doubled = engine.start::<doubling>(DoubleInput { number: 4 }).await.unwrap().output().await;
    assert_eq!(doubled.unwrap(), 8);
    timeout(TIMEOUT, log.wait_for(1, "deliver events to")).await.unwrap();
    let before = store.statistics().transactions;
    for _ in 0..500 {
        store.next_job_due(&[]).await.unwrap();
    }
    let transactions = store.statistics().transactions - before;
    assert!(transactions < 10, "{transactions} transactions while no time passes");

    sqlx::raw_sql("DROP TRIGGER refuse").execute(&mut connection).await.unwrap();
    clock.advance(Duration::from_secs(5));
    timeout(TIMEOUT, log.wait_for(1, "succeeds again")).await.unwrap();
    let loud = log.loud();
    assert!(loud.len() <= 2, "one line when it fails, one when it works: {loud:#?}");
    connection.close().await.unwrap();
    engine.shutdown().await;
}
