//! Stores behind a pooler in transaction mode, where each transaction may run in another session.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection, Row};
use tests::postgres::pooler::Settings;
use tests::postgres::{Cluster, pooler};
use tokio::time::timeout;
use workflow_engine::ports::{Commit, JobTransport, Persistence, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore};
use workflow_engine::{EngineBuilder, Error};

use super::fixture::{TIMEOUT, claim, complete, definitions, due, number, running};

fn behind_pooler(url: &str) -> PostgresOptions {
    let mut options = PostgresOptions::new(url);
    options.behind_pooler = true;
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_works_behind_a_pooler() {
    needs_postgres!("a_store_works_behind_a_pooler");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: a_store_works_behind_a_pooler: the test may not put a pooler in front of this server"
        );
        return;
    };
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    let store = Arc::new(PostgresStore::open(behind_pooler(pooler.url())).await.unwrap());
    tests::deliveries::subscribe(&*store).await;
    let work = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..4 {
                due(&*store).await;
                for job in store.claim_jobs(&claim(), &definitions(), 3).await.unwrap() {
                    let lost = store.renew_leases(vec![job.lease.clone()], claim().lease).await.unwrap();
                    assert!(lost.is_empty());
                    assert!(matches!(store.commit(complete(&job)).await.unwrap(), Commit::Applied(_)));
                    assert!(store.snapshot(job.lease.run_id).await.unwrap().is_some());
                }
            }
        })
    });
    join_all(work.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
    assert_eq!(tests::deliveries::waiting(&*store).await.len(), 32 * 7);

    // The store notices commits of another process without listening.
    let other = PostgresStore::open(behind_pooler(pooler.url())).await.unwrap();
    let mut external = store.hints().watch_external();
    running(&other).await;
    timeout(TIMEOUT, external.changed()).await.expect("the store notices another store's commit").unwrap();
    other.close().await;
    store.close().await;

    // The next store may get any of the sessions: none holds a prepared statement of the first one.
    for _ in 0..6 {
        PostgresStore::open(behind_pooler(pooler.url())).await.unwrap().close().await;
    }
    let mut session = PgConnection::connect(cluster.url()).await.unwrap();
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'";
    assert_eq!(number(&mut session, listening).await, 0);
    assert_eq!(pooler.lost_sessions(), 0);
}

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

/// When a client disconnects within a transaction, the pooler has to replace the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_open_and_close_cost_a_pooler_no_session() {
    needs_postgres!("engines_that_open_and_close_cost_a_pooler_no_session");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: engines_that_open_and_close_cost_a_pooler_no_session: the test may not put a pooler in front of this server"
        );
        return;
    };
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    for number in 0..20 {
        let store = PostgresStore::open(behind_pooler(pooler.url())).await.unwrap();
        let engine = EngineBuilder::with_store(Arc::new(store), Arc::new(SystemClock)).register::<doubling>();
        let engine = engine.build().await.unwrap();
        let doubled = engine.start::<doubling>(DoubleInput { number }).await.unwrap().output().await.unwrap();
        assert_eq!(doubled, number * 2);
        engine.shutdown().await;
    }
    assert_eq!(pooler.lost_sessions(), 0);
}

/// A read whose caller has stopped waiting is still within a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_closed_when_all_reads_have_finished() {
    needs_postgres!("a_store_is_closed_when_all_reads_have_finished");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: a_store_is_closed_when_all_reads_have_finished: the test may not put a pooler in front of this server"
        );
        return;
    };
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    let store = Arc::new(PostgresStore::open(behind_pooler(pooler.url())).await.unwrap());
    let mut session = PgConnection::connect(cluster.url()).await.unwrap();
    let lock = "BEGIN; LOCK TABLE workflow_engine.workflow_runs IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut session).await.unwrap();
    let reader = Arc::clone(&store);
    let reading = tokio::spawn(async move { reader.run(workflow_engine::RunId::generate()).await });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    while number(&mut session, waiting).await == 0 {}
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());

    let store = Arc::into_inner(store).unwrap();
    let closing = tokio::spawn(async move { store.close().await });
    for _ in 0..100 {
        number(&mut session, waiting).await;
    }
    assert!(!closing.is_finished());
    sqlx::raw_sql("COMMIT").execute(&mut session).await.unwrap();
    closing.await.unwrap();
    // The pooler reads the client's messages in order, so it has seen the end of the old transaction before it gives a
    // session to a new one.
    PostgresStore::open(behind_pooler(pooler.url())).await.unwrap().close().await;
    assert_eq!(pooler.lost_sessions(), 0);
}

/// Makes a call until it succeeds, as long as it may be repeated.
async fn repeated<T, F: Future<Output = Result<T, Error>>>(call: impl Fn() -> F) -> T {
    loop {
        match call().await {
            Ok(done) => return done,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    }
}

/// Runs workflows on a store that does not know about the pooler.
async fn double_many(store: Arc<PostgresStore>) {
    let engine = EngineBuilder::with_store(store, Arc::new(SystemClock)).register::<doubling>();
    let engine = engine.build().await.unwrap();
    let runs = (0..100).map(|number| {
        let engine = engine.clone();
        tokio::spawn(async move {
            // A caller repeats what may be repeated, and nothing else.
            let start =
                || engine.start::<doubling>(DoubleInput { number }).idempotency_key(number.to_string());
            let run = repeated(|| async { start().await }).await;
            assert_eq!(repeated(|| run.output()).await, number * 2);
        })
    });
    join_all(runs.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
    engine.shutdown().await;
}

/// A pooler refuses the settings of a session, or ignores them (`ignore_startup_parameters`), or passes them on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_is_not_declared_is_recognised_when_the_store_opens() {
    needs_postgres!("a_pooler_that_is_not_declared_is_recognised_when_the_store_opens");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: a_pooler_that_is_not_declared_is_recognised_when_the_store_opens: the test may not put a pooler in front of this server"
        );
        return;
    };
    for (settings, sessions) in [
        (Settings::Refused, 3),
        (Settings::Ignored, 3),
        (Settings::Forwarded, 3),
        (Settings::Ignored, 1),
        (Settings::Forwarded, 1),
    ] {
        let pooler = pooler::start_with(cluster.socket(), sessions, settings).await.unwrap();
        let store = PostgresStore::open(pooler.url()).await.unwrap();
        double_many(Arc::new(store)).await;
        let mut session = PgConnection::connect(pooler.url()).await;
        if let Ok(session) = &mut session {
            // Sent without being prepared: this test's own connection is behind the pooler, too.
            let prepared = sqlx::raw_sql("SELECT count(*) FROM pg_prepared_statements");
            let row = prepared.fetch_one(session).await.unwrap();
            assert_eq!(row.get::<i64, _>(0), 0, "{settings:?}");
        }
    }
}

/// A direct connection, and a pooler in session mode, let the store use what sessions offer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_belong_to_their_connection_are_used() {
    needs_postgres!("sessions_that_belong_to_their_connection_are_used");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: sessions_that_belong_to_their_connection_are_used: the test may not put a pooler in front of this server"
        );
        return;
    };
    let pooler = pooler::start_with(cluster.socket(), 32, Settings::Forwarded).await.unwrap();
    pooler.keep_sessions(true);
    for url in [cluster.url(), pooler.url()] {
        let store = PostgresStore::open(url).await.unwrap();
        running(&store).await;
        let mut session = PgConnection::connect(cluster.url()).await.unwrap();
        let listening = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'";
        while number(&mut session, listening).await == 0 {}
        store.close().await;
    }
}

/// A pooler may change its mode, or a name lead to a pooler from now on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_appears_later_is_recognised_as_well() {
    needs_postgres!("a_pooler_that_appears_later_is_recognised_as_well");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: a_pooler_that_appears_later_is_recognised_as_well: the test may not put a pooler in front of this server"
        );
        return;
    };
    let pooler = pooler::start_with(cluster.socket(), 32, Settings::Forwarded).await.unwrap();
    pooler.keep_sessions(true);
    let store = Arc::new(PostgresStore::open(pooler.url()).await.unwrap());
    for _ in 0..10 {
        running(&*store).await;
    }
    pooler.keep_sessions(false);
    double_many(store).await;
}
