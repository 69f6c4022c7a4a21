//! The row cache of the writer: no decision is based on a cached row that differs from the file's.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use workflow_engine::Statement;
use workflow_engine::ports::{Change, Commit, Decision, JobTransport, Persistence, Precondition};
use workflow_engine::records::{ClaimedJob, Status};
use workflow_engine::stores::SqliteStore;

use super::fixture::{Directory, claim, complete, running};

/// A decision under the job's lease.
fn held(job: &ClaimedJob, change: Change) -> Decision {
    Decision {
        run_id: job.lease.run_id,
        precondition: Precondition::Lease(job.lease.clone()),
        command: "test",
        idempotency: None,
        changes: vec![change],
    }
}

fn return_job(job: &ClaimedJob) -> Decision {
    held(job, Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() })
}

/// A decision that completes the stage, with a statement of the user.
fn complete_with(job: &ClaimedJob, sql: String) -> Decision {
    let mut decision = complete(job);
    decision.changes.push(Change::Execute { stage_key: "a".into(), statements: vec![Statement::new(sql)] });
    decision
}

async fn claimed(store: &SqliteStore) -> ClaimedJob {
    let jobs = store.claim_jobs(&claim(), &["definition".to_owned()], 1).await.unwrap();
    jobs.into_iter().next().expect("the job waits")
}

async fn applies(store: &SqliteStore, decision: Decision) {
    let commit = store.commit(decision).await.unwrap();
    assert!(matches!(commit, Commit::Applied(_)), "{commit:?}");
}

async fn is_refused(store: &SqliteStore, decision: Decision) {
    assert_eq!(store.commit(decision).await.unwrap(), Commit::PreconditionFailed);
}

#[tokio::test]
async fn two_processes_take_turns_on_one_run() {
    let directory = Directory::new();
    let (one, two) = (directory.open().await, directory.open().await);
    let mut job = running(&one).await;
    for turn in 0..20 {
        let (mine, other) = if turn % 2 == 0 { (&one, &two) } else { (&two, &one) };
        // The store that has committed last has the old lease in its cache.
        applies(other, return_job(&job)).await;
        let next = claimed(other).await;
        assert_eq!(next.lease.epoch, job.lease.epoch + 1);
        is_refused(mine, complete(&job)).await;
        is_refused(mine, return_job(&job)).await;
        job = next;
        let log = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "half".into() };
        applies(mine, held(&job, log)).await;
    }
    applies(&one, complete(&job)).await;
    is_refused(&two, complete(&job)).await;
    let events = two.events(job.lease.run_id, 0, 1_000).await.unwrap();
    let sequences: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(
        sequences,
        (1..=sequences.len() as u64).collect::<Vec<_>>(),
        "no number is doubled or missing"
    );
    one.close().await;
    two.close().await;
}

/// A connection of the same program counts as another one too.
#[tokio::test]
async fn writes_of_another_connection_are_seen() {
    let directory = Directory::new();
    let store = directory.open().await;
    let job = running(&store).await;
    let path = directory.file("store.db");
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    // First the lease is in the row of its run. Its renewal gives it a row of its own.
    for (steal, give_back) in [
        (
            "UPDATE workflow_runs SET held = replace(held, '\"a\"', '\"b\"')",
            "UPDATE workflow_runs SET held = replace(held, '\"b\"', '\"a\"')",
        ),
        ("UPDATE workflow_job_queue SET lease_epoch = 7", "UPDATE workflow_job_queue SET lease_epoch = 1"),
    ] {
        let stolen = sqlx::query(steal).execute(&mut connection).await.unwrap();
        assert_eq!(stolen.rows_affected(), 1);
        is_refused(&store, complete(&job)).await;
        sqlx::query(give_back).execute(&mut connection).await.unwrap();
        assert_eq!(store.renew_leases(vec![job.lease.clone()], claim().lease).await.unwrap(), []);
    }
    connection.close().await.unwrap();
    applies(&store, complete(&job)).await;
    store.close().await;
}

/// A statement of the user may write to the engine's own tables.
#[tokio::test]
async fn writes_of_user_statements_are_seen() {
    let directory = Directory::new();
    let store = directory.open().await;
    let (job, other) = (running(&store).await, running(&store).await);
    assert_eq!(store.renew_leases(vec![other.lease.clone()], claim().lease).await.unwrap(), []);
    let steal = format!(
        "UPDATE workflow_job_queue SET lease_epoch = 9 WHERE workflow_run_id = '{}'",
        other.lease.run_id
    );
    applies(&store, complete_with(&job, steal)).await;
    is_refused(&store, complete(&other)).await;
    let mut thief = other;
    thief.lease.epoch = 9;
    applies(&store, complete(&thief)).await;
    store.close().await;
}

/// A statement may fail, and so may the commit itself.
#[tokio::test]
async fn a_failed_commit_leaves_no_trace() {
    let directory = Directory::new();
    let store = directory.open().await;
    let path = directory.file("store.db");
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    let tables = "CREATE TABLE accounts (id INTEGER PRIMARY KEY);
        CREATE TABLE bookings (account INTEGER REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)";
    sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let job = running(&store).await;
    let run_id = job.lease.run_id;
    let refused = [
        ("INSERT INTO missing VALUES (1)", "STATEMENT_FAILED"),
        ("INSERT INTO bookings VALUES (1)", "STATEMENT_CONFLICT"),
    ];
    for (sql, code) in refused {
        let error = store.commit(complete_with(&job, sql.to_owned())).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(store.run(run_id).await.unwrap().unwrap().status, Status::Running);
        let message = sql.to_owned();
        let progress = Change::Progress { stage_key: "a".into(), fraction: 0.5, message };
        applies(&store, held(&job, progress)).await;
    }
    applies(&store, complete(&job)).await;
    let events = store.events(run_id, 0, 100).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    store.close().await;
}
