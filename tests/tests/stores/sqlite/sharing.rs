//! Several stores on one file, like those of several processes.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::timeout;
use workflow_engine::ports::{Commit, JobTransport, Persistence};
use workflow_engine::records::Status;

use super::fixture::{Directory, TIMEOUT, claim, complete, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_store_sees_the_commits_of_the_other() {
    let directory = Directory::new();
    let (one, two) = (directory.open().await, directory.open().await);
    for _ in 0..20 {
        let mut external = two.hints().watch_external();
        let job = running(&one).await;
        timeout(TIMEOUT, external.changed()).await.expect("a commit of the other store is noticed").unwrap();
        assert_eq!(two.run(job.lease.run_id).await.unwrap().unwrap().status, Status::Running);

        let mut external = one.hints().watch_external();
        let mut watch = one.hints().watch_run(job.lease.run_id);
        assert!(matches!(two.commit(complete(&job)).await.unwrap(), Commit::Applied(_)));
        timeout(TIMEOUT, external.changed()).await.expect("a commit of the other store is noticed").unwrap();
        timeout(TIMEOUT, watch.changed()).await.expect("watchers of the run are notified");
        assert_eq!(one.run(job.lease.run_id).await.unwrap().unwrap().status, Status::Completed);
    }
    one.close().await;
    two.close().await;
}

/// A busy store has no pause for a check, and must check all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_store_sees_the_commits_of_the_other() {
    let directory = Directory::new();
    let (busy, other) = (Arc::new(directory.open().await), directory.open().await);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (busy, stop) = (Arc::clone(&busy), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    running(&*busy).await;
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let mut external = busy.hints().watch_external();
        running(&other).await;
        timeout(TIMEOUT, external.changed()).await.expect("a commit of the other store is noticed").unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    join_all(load).await;
    busy.close().await;
    other.close().await;
}

/// A store's own commits never wake those who watch for commits of other processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_commits_are_not_external() {
    let directory = Directory::new();
    let store = directory.open().await;
    let mut external = store.hints().watch_external();
    for _ in 0..50 {
        let job = running(&store).await;
        store.commit(complete(&job)).await.unwrap();
    }
    // The first hint is about the commit of the other store.
    let other = directory.open().await;
    let before = *external.borrow_and_update();
    running(&other).await;
    timeout(TIMEOUT, external.changed()).await.expect("a commit of the other store is noticed").unwrap();
    assert!(before <= 1, "{before} hints before the other store committed; opening it may cause one");
    store.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_never_claim_the_same_job() {
    let directory = Directory::new();
    let stores = [Arc::new(directory.open().await), Arc::new(directory.open().await)];
    let mut runs = Vec::new();
    for _ in 0..100 {
        let job = running(&*stores[0]).await;
        let back = workflow_engine::ports::Change::ReturnJob {
            stage_key: "a".into(),
            reason: "the worker stops".into(),
        };
        let mut decision = complete(&job);
        decision.changes = vec![back];
        stores[0].commit(decision).await.unwrap();
        runs.push(job.lease.run_id);
    }
    let claimers = (0..4).map(|number: usize| {
        let store = Arc::clone(&stores[number % 2]);
        tokio::spawn(async move {
            let mut all = Vec::new();
            loop {
                let claimed = store.claim_jobs(&claim(), &["definition".to_owned()], 7).await.unwrap();
                if claimed.is_empty() {
                    return all;
                }
                for job in &claimed {
                    assert_eq!(job.lease.epoch, 2);
                    assert!(matches!(store.commit(complete(job)).await.unwrap(), Commit::Applied(_)));
                }
                all.extend(claimed.into_iter().map(|job| job.lease.run_id));
            }
        })
    });
    let mut claimed: Vec<_> =
        join_all(claimers.collect::<Vec<_>>()).await.into_iter().flat_map(Result::unwrap).collect();
    claimed.sort();
    runs.sort();
    assert_eq!(claimed, runs);
    for store in stores {
        store.close().await;
    }
}
