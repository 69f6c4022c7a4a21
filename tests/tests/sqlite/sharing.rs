//! Several stores on one file, as several processes have them.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::timeout;
use workflow_engine::ports::{Commit, JobTransport, Persistence};
use workflow_engine::records::Status;

use super::fixture::{Directory, TIMEOUT, claim, complete, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sees_what_the_other_commits() {
    let directory = Directory::new();
    let (one, two) = (directory.open().await, directory.open().await);
    for _ in 0..20 {
        let mut foreign = two.hints().watch_external();
        let job = running(&one).await;
        timeout(TIMEOUT, foreign.changed()).await.expect("a foreign commit is noticed").unwrap();
        assert_eq!(two.run(job.lease.run_id).await.unwrap().unwrap().status, Status::Running);

        let mut foreign = one.hints().watch_external();
        let mut watch = one.hints().watch_run(job.lease.run_id);
        assert!(matches!(two.commit(complete(&job)).await.unwrap(), Commit::Applied(_)));
        timeout(TIMEOUT, foreign.changed()).await.expect("a foreign commit is noticed").unwrap();
        timeout(TIMEOUT, watch.changed()).await.expect("who watches the run is told");
        assert_eq!(one.run(job.lease.run_id).await.unwrap().unwrap().status, Status::Completed);
    }
    one.close().await;
    two.close().await;
}

/// A store that is busy itself has no quiet moment, and must look all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_store_sees_what_the_other_commits() {
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
        let mut foreign = busy.hints().watch_external();
        running(&other).await;
        timeout(TIMEOUT, foreign.changed()).await.expect("a foreign commit is noticed").unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    join_all(load).await;
    busy.close().await;
    other.close().await;
}

/// Its own commits wake a store's watchers of foreign ones never: nothing foreign has happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_not_startled_by_itself() {
    let directory = Directory::new();
    let store = directory.open().await;
    let mut foreign = store.hints().watch_external();
    for _ in 0..50 {
        let job = running(&store).await;
        store.commit(complete(&job)).await.unwrap();
    }
    // The first hint of all is that of a commit that is foreign.
    let other = directory.open().await;
    let before = *foreign.borrow_and_update();
    running(&other).await;
    timeout(TIMEOUT, foreign.changed()).await.expect("a foreign commit is noticed").unwrap();
    assert!(
        before <= 1,
        "{before} hints before anything foreign happened; opening the other store may be one"
    );
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
        let back = workflow_engine::ports::Change::ReturnJob { stage_id: "a".into() };
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
