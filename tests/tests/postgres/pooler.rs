//! Stores behind a pooler in transaction mode, where each transaction may run in another session.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection};
use tests::postgres::{Cluster, pooler};
use tokio::time::timeout;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Commit, JobTransport, Persistence, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore};

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
    assert_eq!(tests::deliveries::waiting(&*store).await.len(), 32 * 6);

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

/// Without `behind_pooler` a pooler refuses the settings of a session, and the error names them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undeclared_pooler_is_named_in_the_error() {
    needs_postgres!("an_undeclared_pooler_is_named_in_the_error");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: an_undeclared_pooler_is_named_in_the_error: the test may not put a pooler in front of this server"
        );
        return;
    };
    let pooler = pooler::start(cluster.socket(), 1).await.unwrap();
    let error = PostgresStore::open(pooler.url()).await.unwrap_err();
    assert!(error.to_string().contains("unsupported startup parameter"), "{error}");
}
