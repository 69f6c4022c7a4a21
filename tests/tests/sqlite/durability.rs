//! What is acknowledged is kept.

use std::sync::Arc;

use futures_util::future::join_all;
use tests::deliveries::waiting;
use workflow_engine::ports::{Commit, Outbox, Persistence};
use workflow_engine::records::Status;

use super::fixture::{Directory, complete, create, running};

#[tokio::test]
async fn everything_is_there_after_closing_and_opening() {
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
        "the lease is held still"
    );
    store.close().await;
}

/// The writer does not depend on who waits for it (a caller may time out, or be aborted, at any point).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_survives_callers_that_go_away() {
    let directory = Directory::new();
    let store = Arc::new(directory.open().await);
    let mut runs = Vec::new();
    for number in 0..1_000_u64 {
        let decision = create();
        runs.push(decision.run_id);
        if number % 5 == 0 {
            // Sent for certain, while the tasks below may all be aborted before they begin.
            let _ = futures_util::poll!(std::pin::pin!(store.commit(decision)));
            continue;
        }
        let task = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.commit(decision).await }
        });
        // Some before they are sent, some while they wait, some when they are answered.
        if number % 3 == 0 {
            tokio::task::yield_now().await;
        } else if number % 7 == 0 {
            for _ in 0..number % 400 {
                tokio::task::yield_now().await;
            }
        }
        task.abort();
    }
    // Whatever was sent is committed as a whole, in order, before this.
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
    assert!(committed > 0, "not one of the calls came as far as the writer");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_lets_what_is_pending_end() {
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
        let kept = store.run(run_id).await.unwrap().is_some();
        assert_eq!(kept, commit.is_ok(), "acknowledged and kept are the same: {commit:?}");
    }
    store.close().await;
}

/// Without a sink nothing waits in the outbox for a flusher that never comes.
#[tokio::test]
async fn events_wait_for_a_sink_only_where_there_is_one() {
    let directory = Directory::new();
    let store = directory.open().await;
    let job = running(&store).await;
    assert!(waiting(&store).await.is_empty());
    store.deliver_events(true);
    store.commit(complete(&job)).await.unwrap();
    let events = waiting(&store).await;
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [4, 5]);
    store.close().await;
}
