//! Behind a pooler in transaction mode, where each transaction may find itself in another session.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection};
use tests::postgres::{Cluster, pooler};
use tokio::time::timeout;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Commit, JobTransport, Outbox, Persistence, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore};

use super::fixture::{TIMEOUT, claim, complete, definitions, due, number, running};

fn behind_pooler(url: &str) -> PostgresOptions {
    let mut options = PostgresOptions::new(url);
    options.behind_pooler = true;
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_may_stand_in_between() {
    needs_postgres!("a_pooler_may_stand_in_between");
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: a_pooler_may_stand_in_between: the server is not ours to put a pooler before it");
        return;
    };
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    let store = Arc::new(PostgresStore::open(behind_pooler(pooler.url())).await.unwrap());
    store.deliver_events(true);
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

    // What another process commits is noticed without listening.
    let other = PostgresStore::open(behind_pooler(pooler.url())).await.unwrap();
    let mut foreign = store.hints().watch_external();
    running(&other).await;
    timeout(TIMEOUT, foreign.changed()).await.expect("a foreign commit is noticed").unwrap();
    other.close().await;
    store.close().await;

    // The next one that opens it may be given any of the sessions: none holds a prepared statement of ours.
    for _ in 0..6 {
        PostgresStore::open(behind_pooler(pooler.url())).await.unwrap().close().await;
    }
    let mut session = PgConnection::connect(cluster.url()).await.unwrap();
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'";
    assert_eq!(number(&mut session, listening).await, 0);
    assert_eq!(pooler.cut(), 0);
}

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

/// A session whose client goes away in the middle of a transaction is lost: the pooler has to make another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_come_and_go_cost_a_pooler_no_session() {
    needs_postgres!("engines_that_come_and_go_cost_a_pooler_no_session");
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: engines_that_come_and_go_cost_a_pooler_no_session: the server is not ours");
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
    assert_eq!(pooler.cut(), 0);
}

/// Whoever asked may have stopped waiting: what is under way is still in the middle of a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_closed_when_everybody_has_read_to_the_end() {
    needs_postgres!("a_store_is_closed_when_everybody_has_read_to_the_end");
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: a_store_is_closed_when_everybody_has_read_to_the_end: the server is not ours");
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
    // What the client sends is read in order, so a new transaction has its session when the old one has been seen.
    PostgresStore::open(behind_pooler(pooler.url())).await.unwrap().close().await;
    assert_eq!(pooler.cut(), 0);
}

/// Without the option a pooler refuses what a session would hold, and the message says what.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_was_not_told_of_is_named() {
    needs_postgres!("a_pooler_that_was_not_told_of_is_named");
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: a_pooler_that_was_not_told_of_is_named: the server is not ours");
        return;
    };
    let pooler = pooler::start(cluster.socket(), 1).await.unwrap();
    let error = PostgresStore::open(pooler.url()).await.unwrap_err();
    assert!(error.to_string().contains("unsupported startup parameter"), "{error}");
}
