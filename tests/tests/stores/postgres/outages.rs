//! Servers that are unavailable for a while.

use std::sync::Arc;

use futures_util::future::join_all;
use tests::postgres::{Cluster, Schema};
use tokio::time::timeout;
use workflow_engine::ports::{Commit, JobTransport, Persistence};
use workflow_engine::stores::PostgresStore;

use super::fixture::{TIMEOUT, claim, create, definitions, due, named_url, running, terminate_sessions};

/// Callers do not notice backends that are terminated between two transactions. A backend that is terminated during a
/// commit fails it with a retryable error, and the commit is written completely or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_survives_terminated_backends() {
    needs_postgres!("the_store_survives_terminated_backends");
    let schema = Schema::new();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    let mut connection = schema.connect().await;
    running(&*store).await;
    assert!(terminate_sessions(&mut connection, schema.name()).await > 0);
    running(&*store).await;

    for _ in 0..10 {
        let commits: Vec<_> = (0..50)
            .map(|_| {
                let (store, decision) = (Arc::clone(&store), create());
                tokio::spawn(async move { (decision.run_id, store.commit(decision).await) })
            })
            .collect();
        terminate_sessions(&mut connection, schema.name()).await;
        for commit in join_all(commits).await {
            let (run_id, outcome) = commit.unwrap();
            let run = store.run(run_id).await.unwrap();
            match outcome {
                Ok(Commit::Applied(_)) => assert!(run.is_some(), "G1: an acknowledged commit is not lost"),
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            if run.is_some() {
                assert_eq!(
                    store.events(run_id, 0, 9).await.unwrap().len(),
                    3,
                    "G2: a commit is written completely or not at all"
                );
            }
        }
    }
    store.close().await;
}

/// The listener reconnects by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_resume_after_the_listener_was_terminated() {
    needs_postgres!("hints_resume_after_the_listener_was_terminated");
    let schema = Schema::new();
    let store = PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap();
    let other = schema.open().await;
    let mut connection = schema.connect().await;
    let mut external = store.hints().watch_external();
    terminate_sessions(&mut connection, schema.name()).await;
    // The first hint may come from the new listener, which cannot know what it has missed.
    timeout(TIMEOUT, external.changed()).await.expect("the listener reconnects").unwrap();
    running(&other).await;
    timeout(TIMEOUT, external.changed()).await.expect("the store notices another store's commit").unwrap();
    store.close().await;
    other.close().await;
}

/// While the server is down, every call fails with a retryable error. After the restart all acknowledged commits are
/// present, and the same store continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_survives_a_restart_of_the_server() {
    needs_postgres!("the_store_survives_a_restart_of_the_server");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: the_store_survives_a_restart_of_the_server: the test may not restart this server"
        );
        return;
    };
    let store = Arc::new(PostgresStore::open(cluster.url()).await.unwrap());
    let job = running(&*store).await;
    let waiting = due(&*store).await;
    let mut acknowledged = Vec::new();
    for _ in 0..2 {
        let commits: Vec<_> = (0..100)
            .map(|_| {
                let (store, decision) = (Arc::clone(&store), create());
                tokio::spawn(async move { (decision.run_id, store.commit(decision).await) })
            })
            .collect();
        cluster.crash();
        for commit in join_all(commits).await {
            match commit.unwrap() {
                (run_id, Ok(_)) => acknowledged.push(run_id),
                (_, Err(error)) => assert!(error.is_retryable(), "{error}"),
            }
        }
        assert!(store.commit(create()).await.unwrap_err().is_retryable());
        assert!(store.run(waiting).await.unwrap_err().is_retryable());
        assert!(store.claim_jobs(&claim(), &definitions(), 1).await.unwrap_err().is_retryable());
        cluster.restart();
        acknowledged.push(running(&*store).await.lease.run_id);
    }
    for run_id in acknowledged {
        assert_eq!(
            store.events(run_id, 0, 9).await.unwrap().len(),
            3,
            "G1: an acknowledged commit is not lost"
        );
    }
    assert!(store.renew_leases(vec![job.lease], claim().lease).await.unwrap().is_empty());
    let claimed = store.claim_jobs(&claim(), &definitions(), 1).await.unwrap();
    assert_eq!(claimed[0].lease.run_id, waiting);
    store.close().await;
}
