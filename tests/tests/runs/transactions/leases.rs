//! Statements and leases: a worker without its lease runs no statement, and a commit whose result was lost is not
//! repeated.

use tests::decisions::{claim, complete, definitions, running};
use tests::on_every_database;
use tests::tables::Tables;
use workflow_engine::Statement;
use workflow_engine::ports::{Change, Commit, Decision, Store};
use workflow_engine::records::ClaimedJob;

async fn table(tables: &Tables) -> String {
    let table = tables.name("written");
    tables.run(&format!("CREATE TABLE {table} (worker TEXT)")).await;
    table
}

async fn written(tables: &Tables, table: &str) -> Vec<String> {
    tables.texts(&format!("SELECT worker FROM {table} ORDER BY worker")).await
}

/// Makes a decision that completes the stage with a statement.
fn completed(job: &ClaimedJob, table: &str, worker: &str) -> Decision {
    let insert = Statement::new(format!("INSERT INTO {table} (worker) VALUES ($1)")).bind(worker);
    let mut decision = complete(job);
    decision.changes.insert(0, Change::Execute { stage_key: "a".into(), statements: vec![insert] });
    decision
}

async fn reclaimed(store: &dyn Store, job: &ClaimedJob) -> ClaimedJob {
    let back = Decision {
        changes: vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }],
        ..complete(job)
    };
    assert!(matches!(store.commit(back).await.unwrap(), Commit::Applied(_)));
    store.claim_jobs(&claim(), &definitions(), 1).await.unwrap().pop().unwrap()
}

async fn a_lost_lease_runs_no_statement(tables: Tables) {
    let store = tables.store().await;
    let table = table(&tables).await;
    let zombie = running(&*store).await;
    let holder = reclaimed(&*store, &zombie).await;
    assert_eq!(store.commit(completed(&zombie, &table, "zombie")).await.unwrap(), Commit::PreconditionFailed);
    assert!(matches!(store.commit(completed(&holder, &table, "holder")).await.unwrap(), Commit::Applied(_)));
    assert_eq!(store.commit(completed(&zombie, &table, "zombie")).await.unwrap(), Commit::PreconditionFailed);
    assert_eq!(written(&tables, &table).await, ["holder"]);
    store.close().await;
}

/// Two processes commit under the same lease at the same time.
async fn one_of_two_racing_commits_is_applied(tables: Tables) {
    let store = tables.store().await;
    let other = tables.store().await;
    let table = table(&tables).await;
    for _ in 0..20 {
        let job = running(&*store).await;
        let (one, two) = tokio::join!(
            store.commit(completed(&job, &table, "one")),
            other.commit(completed(&job, &table, "two"))
        );
        let applied =
            [one, two].into_iter().filter(|commit| matches!(commit.as_ref().unwrap(), Commit::Applied(_)));
        assert_eq!(applied.count(), 1);
    }
    assert_eq!(written(&tables, &table).await.len(), 20);
    other.close().await;
    store.close().await;
}

async fn a_commit_whose_result_was_lost_is_not_repeated(tables: Tables) {
    let store = tables.store().await;
    let table = table(&tables).await;
    let job = running(&*store).await;
    let decision = completed(&job, &table, "once");
    assert!(matches!(store.commit(decision.clone()).await.unwrap(), Commit::Applied(_)));
    // A kernel that did not receive the result commits again.
    assert_eq!(store.commit(decision).await.unwrap(), Commit::PreconditionFailed);
    assert_eq!(written(&tables, &table).await, ["once"]);
    store.close().await;
}

/// Statements run beside many commits that share transactions.
async fn statements_run_in_their_own_transaction(tables: Tables) {
    let store = tables.store().await;
    let table = table(&tables).await;
    let mut jobs = Vec::new();
    for _ in 0..60 {
        jobs.push(running(&*store).await);
    }
    let commits = jobs.iter().enumerate().map(|(number, job)| match number % 3 {
        0 => store.commit(completed(job, &table, "good")),
        1 => store.commit(completed(job, "missing_table", "bad")),
        _ => store.commit(complete(job)),
    });
    let outcomes = futures_util::future::join_all(commits).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(commit) => assert!(number % 3 != 1 && matches!(commit, Commit::Applied(_))),
            Err(error) => assert_eq!((number % 3, error.code().as_str()), (1, "STATEMENT_FAILED")),
        }
    }
    assert_eq!(written(&tables, &table).await.len(), 20);
    store.close().await;
}

on_every_database!(
    a_lost_lease_runs_no_statement,
    one_of_two_racing_commits_is_applied,
    a_commit_whose_result_was_lost_is_not_repeated,
    statements_run_in_their_own_transaction,
);
