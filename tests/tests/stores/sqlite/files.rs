//! Files that can be opened, and files that cannot.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{Connection, SqliteConnection};
use workflow_engine::ports::{JobTransport, Persistence};
use workflow_engine::stores::{SqliteOptions, SqliteStore, Synchronous};

use super::fixture::{Directory, claim, create, open, running};

#[tokio::test]
async fn a_file_that_is_not_a_database_is_refused_by_name() {
    let directory = Directory::new();
    let path = directory.file("notes.txt");
    std::fs::write(
        &path,
        "this is a text and not a database, and it is long enough for a header".repeat(100),
    )
    .unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.code(), "STORE_FAILED");
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is a text"), "the file is unchanged");
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_named() {
    let directory = Directory::new();
    let error = open(&directory.file("missing/store.db")).await.unwrap_err();
    assert_eq!(error.code(), "UNSUPPORTED_STORE");
    assert!(error.to_string().contains("missing/store.db"), "{error}");
}

#[tokio::test]
async fn a_directory_is_not_a_database() {
    let directory = Directory::new();
    let path = directory.file("store.db");
    std::fs::create_dir(&path).unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(error.to_string().contains("store.db"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_by_name() {
    let directory = Directory::new();
    directory.open().await.close().await;
    let path = directory.file("store.db");
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    // The superuser may write in spite of the permissions. Then there is nothing to refuse.
    if std::fs::OpenOptions::new().append(true).open(&path).is_ok() {
        return;
    }
    let error = open(&path).await.unwrap_err();
    assert!(error.to_string().contains("store.db"), "{error}");
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_refused() {
    let directory = Directory::new();
    directory.open().await.close().await;
    let path = directory.file("store.db");
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("INSERT INTO workflow_migrations VALUES (9999, 'later', '', true, x'00', 0)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.code(), "STORE_FAILED");
    assert!(error.to_string().contains("9999"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_may_be_opened_by_many_at_once() {
    let directory = Directory::new();
    let path = directory.file("store.db");
    let opened = (0..8).map(|_| {
        let path = path.clone();
        tokio::spawn(async move { open(&path).await })
    });
    for store in join_all(opened.collect::<Vec<_>>()).await {
        let store = store.unwrap().unwrap();
        running(&store).await;
        store.close().await;
    }
    let store = open(&path).await.unwrap();
    assert_eq!(store.unfinished_runs("workflow").await.unwrap().len(), 8);
    store.close().await;
}

#[tokio::test]
async fn a_location_may_be_a_url() {
    let directory = Directory::new();
    let url = format!("sqlite://{}", directory.file("store.db").display());
    let store = SqliteStore::open(&url).await.unwrap();
    store.close().await;
    assert!(directory.file("store.db").exists());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let directory = Directory::new();
    let store = directory.open().await;
    let job = running(&store).await;
    assert_eq!(store.renew_leases(vec![job.lease.clone()], claim().lease).await.unwrap(), []);
    let mut connection =
        SqliteConnection::connect(directory.file("store.db").to_str().unwrap()).await.unwrap();
    sqlx::query("UPDATE workflow_stage_rows SET status = 'DREAMING'").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = store.stages(job.lease.run_id).await.unwrap_err();
    assert_eq!(error.code(), "STORE_FAILED");
    let message = error.to_string();
    for part in ["workflow_stage_rows.status", "DREAMING", &job.lease.run_id.to_string()] {
        assert!(message.contains(part), "{message}");
    }
    // Only a decision about that run fails.
    let healthy = super::fixture::create();
    let (broken, healthy) = tokio::join!(store.commit(super::fixture::complete(&job)), store.commit(healthy));
    assert_eq!(broken.unwrap_err().code(), "STORE_FAILED");
    assert!(healthy.is_ok());
    store.close().await;
}

#[tokio::test]
async fn a_file_that_stays_locked_is_a_retryable_error() {
    let directory = Directory::new();
    let path = directory.file("store.db");
    let mut options = SqliteOptions::new(path.to_str().unwrap());
    options.busy_timeout = Duration::from_millis(50);
    options.synchronous = Synchronous::Normal;
    let store = SqliteStore::open(options.clone()).await.unwrap();
    let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    let error = store.commit(create()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let error = SqliteStore::open(options).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("store.db"), "{error}");
    sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
    running(&store).await;
    connection.close().await.unwrap();
    store.close().await;
}

/// A process that is suspended (SIGSTOP) in a transaction keeps the lock for as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_calls_behind_a_suspended_process_fail_together_after_a_limit() {
    let directory = Directory::new();
    let path = directory.file("store.db");
    let mut options = SqliteOptions::new(path.to_str().unwrap());
    options.busy_timeout = Duration::from_millis(500);
    let store = Arc::new(SqliteStore::open(options).await.unwrap());
    let job = running(&*store).await;
    let mut suspended = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut suspended).await.unwrap();
    let before = store.statistics().transactions;
    let calls = (0..1_000).map(|number| {
        let (store, run_id) = (Arc::clone(&store), job.lease.run_id);
        tokio::spawn(async move {
            if number % 2 == 0 {
                return store.commit(create()).await;
            }
            // Such a decision has a transaction to itself.
            store.commit_locked(run_id, Box::new(|_| None)).await
        })
    });
    for outcome in join_all(calls.collect::<Vec<_>>()).await {
        let error = outcome.unwrap().unwrap_err();
        assert_eq!(error.code(), "STORE_LOCKED");
        assert!(error.is_retryable());
        assert!(error.to_string().contains("store.db") && error.to_string().contains("500ms"), "{error}");
    }
    let waits = store.statistics().transactions - before;
    assert!(waits <= 2, "the calls waited {waits} times one after the other");
    sqlx::query("ROLLBACK").execute(&mut suspended).await.unwrap();
    running(&*store).await;
    suspended.close().await.unwrap();
    store.close().await;
}
