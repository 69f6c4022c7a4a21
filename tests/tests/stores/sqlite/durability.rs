//! An acknowledged commit survives.

use std::sync::Arc;

use futures_util::future::join_all;
use tests::deliveries::waiting;
use workflow_engine::ports::{Commit, Persistence};
use workflow_engine::records::Status;

use super::fixture::{Directory, complete, create, running};

#[tokio::test]
async fn all_rows_survive_closing_and_opening() {
    let directory = Directory::new();
    let store = directory.open().await;
    let job = running(&store).await;
    let finished = running(&store).await;
    store.commit(complete(&finished)).await.unwrap();
    let before = store.snapshot(job.lease.run_id).await.unwrap().unwrap();
    let events = store.events(finished.lease.run_id, 0, 100).await.unwrap();
    store.close().await;
    assert!(!directory.file("store.db-wal").exists(), "a closed store is one file");

    let store = directory.open().await;
    assert_eq!(store.snapshot(job.lease.run_id).await.unwrap().unwrap(), before);
    assert_eq!(store.events(finished.lease.run_id, 0, 100).await.unwrap(), events);
    assert!(
        matches!(store.commit(complete(&job)).await.unwrap(), Commit::Applied(_)),
        "the lease is still held"
    );
    store.close().await;
}

/// A caller may time out or be aborted at any point.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_survives_callers_that_stop_waiting() {
    let directory = Directory::new();
    let store = Arc::new(directory.open().await);
    let mut runs = Vec::new();
    for number in 0..1_000_u64 {
        let decision = create();
        runs.push(decision.run_id);
        if number % 5 == 0 {
            // Sent for certain. The tasks below may all be aborted before they begin.
            let _ = futures_util::poll!(std::pin::pin!(store.commit(decision)));
            continue;
        }
        let task = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(decision).await }
        });
        // Some are aborted before they send the request, some while they wait, some when the reply has come.
        if number % 3 == 0 {
            tokio::task::yield_now().await;
        } else if number % 7 == 0 {
            for _ in 0..number % 400 {
                tokio::task::yield_now().await;
            }
        }
        task.abort();
    }
    // Every request that was sent is committed before this one, completely.
    let last = running(&*store).await;
    assert!(matches!(store.commit(complete(&last)).await.unwrap(), Commit::Applied(_)));
    let mut committed = 0;
    for run_id in runs {
        if let Some(snapshot) = store.snapshot(run_id).await.unwrap() {
            assert_eq!((snapshot.run.status, snapshot.run.last_sequence), (Status::Running, 3));
            assert_eq!((snapshot.stages.len(), snapshot.jobs.len()), (1, 1));
            committed += 1;
        }
    }
    assert!(committed > 0, "no request reached the writer");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_pending_commits() {
    let directory = Directory::new();
    let store = Arc::new(directory.open().await);
    let commits = (0..200).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let decision = create();
            (decision.run_id, store.commit(decision).await)
        })
    });
    let commits: Vec<_> = commits.collect();
    tokio::task::yield_now().await;
    store.close().await;
    let outcomes = join_all(commits).await;
    let store = directory.open().await;
    for outcome in outcomes {
        let (run_id, commit) = outcome.unwrap();
        let exists = store.run(run_id).await.unwrap().is_some();
        assert_eq!(
            exists,
            commit.is_ok(),
            "a run exists exactly when its commit was acknowledged: {commit:?}"
        );
    }
    store.close().await;
}

/// Without a sink no events accumulate in the outbox for a flusher that never comes.
#[tokio::test]
async fn events_wait_for_a_sink_only_where_there_is_one() {
    let directory = Directory::new();
    let store = directory.open().await;
    let job = running(&store).await;
    assert!(waiting(&store).await.is_empty());
    tests::deliveries::subscribe(&store).await;
    store.commit(complete(&job)).await.unwrap();
    let events = waiting(&store).await;
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [4, 5]);
    store.close().await;
}
