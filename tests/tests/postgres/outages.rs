//! A database that goes away and comes back.

use std::sync::Arc;

use futures_util::future::join_all;
use tests::postgres::{Cluster, Schema};
use tokio::time::timeout;
use workflow_engine::ports::{Commit, JobTransport, Persistence};
use workflow_engine::stores::PostgresStore;

use super::fixture::{TIMEOUT, claim, create, definitions, due, named_url, running, terminate_everybody};

/// Backends that are terminated between two transactions are not noticed; one in the middle of a commit is told as
/// what it is, and nothing is done by halves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_backends_are_survived() {
    needs_postgres!("terminated_backends_are_survived");
    let schema = Schema::new();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    let mut connection = schema.connect().await;
    running(&*store).await;
    assert!(terminate_everybody(&mut connection, schema.name()).await > 0);
    running(&*store).await;

    for _ in 0..10 {
        let commits: Vec<_> = (0..50)
            .map(|_| {
                let (store, decision) = (Arc::clone(&store), create());
                tokio::spawn(async move { (decision.run_id, store.commit(decision).await) })
            })
            .collect();
        terminate_everybody(&mut connection, schema.name()).await;
        for commit in join_all(commits).await {
            let (run_id, outcome) = commit.unwrap();
            let run = store.run(run_id).await.unwrap();
            match outcome {
                Ok(Commit::Applied(_)) => assert!(run.is_some(), "G1: what is acknowledged is not lost"),
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            if run.is_some() {
                assert_eq!(store.events(run_id, 0, 9).await.unwrap().len(), 3, "G2: all of it, or nothing");
            }
        }
    }
    store.close().await;
}

/// The listener comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_come_back_after_a_terminated_listener() {
    needs_postgres!("hints_come_back_after_a_terminated_listener");
    let schema = Schema::new();
    let store = PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap();
    let other = schema.open().await;
    let mut connection = schema.connect().await;
    let mut foreign = store.hints().watch_external();
    terminate_everybody(&mut connection, schema.name()).await;
    // The first hint may be that of the new listener, which cannot know what it has missed.
    timeout(TIMEOUT, foreign.changed()).await.expect("the listener is back").unwrap();
    running(&other).await;
    timeout(TIMEOUT, foreign.changed()).await.expect("a foreign commit is noticed").unwrap();
    store.close().await;
    other.close().await;
}

/// While the server is down every call says that it may be repeated; once it is back, everything acknowledged is
/// there, and the same store goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_is_survived() {
    needs_postgres!("a_restarted_server_is_survived");
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: a_restarted_server_is_survived: the server is not ours to restart");
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
            "G1: what is acknowledged is not lost"
        );
    }
    assert!(store.renew_leases(vec![job.lease], claim().lease).await.unwrap().is_empty());
    let claimed = store.claim_jobs(&claim(), &definitions(), 1).await.unwrap();
    assert_eq!(claimed[0].lease.run_id, waiting);
    store.close().await;
}
