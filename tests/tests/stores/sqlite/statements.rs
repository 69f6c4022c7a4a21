//! The cost of a commit in transactions and statements.

use std::sync::Arc;

use futures_util::future::join_all;
use workflow_engine::ports::{Change, Commit, IdempotencyEntry, JobTransport, Persistence};
use workflow_engine::stores::SqliteStatistics;
use workflow_engine::{Json, Statement};

use super::fixture::{Directory, claim, complete, create, running};

fn spent(before: SqliteStatistics, after: SqliteStatistics) -> (u64, u64) {
    (after.transactions - before.transactions, after.statements - before.statements)
}

#[tokio::test]
async fn a_commit_alone_takes_at_most_seven_statements() {
    let directory = Directory::new();
    let store = directory.open().await;

    let before = store.statistics();
    let mut decision = create();
    decision.idempotency = Some(IdempotencyEntry {
        command: "run.create",
        key: "key".into(),
        request_hash: "hash".into(),
        result: Json::null(),
    });
    store.commit(decision).await.unwrap();
    let (transactions, statements) = spent(before, store.statistics());
    assert!(transactions <= 1 && statements <= 8, "{transactions} transactions, {statements} statements");

    let job = running(&store).await;
    let before = store.statistics();
    store.commit(complete(&job)).await.unwrap();
    let (transactions, statements) = spent(before, store.statistics());
    assert!(transactions <= 1 && statements <= 7, "{transactions} transactions, {statements} statements");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_takes_as_many_statements_as_a_commit() {
    let directory = Directory::new();
    let store = Arc::new(directory.open().await);
    let mut jobs = Vec::new();
    for _ in 0..400 {
        jobs.push(running(&*store).await);
    }
    let before = store.statistics();
    let work = jobs.into_iter().map(|job| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.commit(complete(&job)).await.unwrap();
            store.commit(create()).await.unwrap();
            store.renew_leases(vec![job.lease], claim().lease).await.unwrap();
        })
    });
    join_all(work.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
    let (transactions, statements) = spent(before, store.statistics());
    assert!(transactions < 200, "1,200 requests in {transactions} transactions");
    // Each heartbeat here is a separate request with one statement. A worker sends all of its leases in one.
    assert!(statements <= 11 * transactions + 400, "{statements} statements in {transactions} transactions");
    Arc::into_inner(store).unwrap().close().await;
}

/// User statements may lock rows and take long, which must not affect other commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_statements_share_no_transaction() {
    let directory = Directory::new();
    let store = directory.open().await;
    let table = "workflow_logs".to_owned();
    let mut decisions = Vec::new();
    for _ in 0..40 {
        let mut decision = complete(&running(&store).await);
        let delete = Statement::new(format!("DELETE FROM {table} WHERE id = $1")).bind(0);
        decision.changes.push(Change::Execute { stage_key: "a".into(), statements: vec![delete] });
        decisions.push(decision);
    }
    let before = store.statistics();
    let commits = join_all(decisions.into_iter().map(|decision| store.commit(decision))).await;
    assert!(commits.into_iter().all(|commit| matches!(commit, Ok(Commit::Applied(_)))));
    let (transactions, _) = spent(before, store.statistics());
    assert!(transactions >= 40, "40 commits in {transactions} transactions");
    store.close().await;
}
