//! Tests that the commits of other processes are noticed.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Executor};

use super::*;
use crate::stores::sqlite::options::texts_with;

/// A connection like that of another process.
async fn connection(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap()
}

#[tokio::test]
async fn a_pending_commit_behind_a_visible_one_is_checked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let (mut first, mut second) = (connection(&path).await, connection(&path).await);
    first.execute("CREATE TABLE numbers (number INTEGER)").await.unwrap();
    let own = rusqlite::Connection::open(&path).unwrap();
    let session =
        Session { connection: own, texts: Arc::new(texts_with("workflow_")), counters: Arc::default() };
    let mut seen = DataVersion::read(&session).unwrap();
    let mut external = ExternalCommits { watch: Watch::Polling, ..ExternalCommits::watch(&path) };
    let reported = Arc::clone(&external.reported);
    reported.flag.store(false, Ordering::Release);

    // The first has committed, the second has written and not yet committed, and one report covers both.
    first.execute("INSERT INTO numbers VALUES (1)").await.unwrap();
    second.execute("BEGIN IMMEDIATE; INSERT INTO numbers VALUES (2)").await.unwrap();
    reported.raise();
    assert!(seen.has_moved(&session, &mut external).unwrap(), "the first one is notified at once");
    second.execute("COMMIT").await.unwrap();

    assert!(reported.flag.load(Ordering::Acquire), "another check follows without another report");
    assert!(seen.has_moved(&session, &mut external).unwrap(), "and finds the second commit");
}

#[tokio::test]
async fn a_commit_while_the_file_is_not_watched_is_found_in_the_next_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let mut other = connection(&path).await;
    other.execute("CREATE TABLE numbers (number INTEGER)").await.unwrap();
    let own = rusqlite::Connection::open(&path).unwrap();
    let session =
        Session { connection: own, texts: Arc::new(texts_with("workflow_")), counters: Arc::default() };
    let mut seen = DataVersion::read(&session).unwrap();
    let mut external = ExternalCommits::watch(&path);

    while !matches!(external.watch, Watch::Transactions(_)) {
        external.is_check_due();
    }
    other.execute("INSERT INTO numbers VALUES (1)").await.unwrap();
    assert!(external.is_check_due(), "under load every transaction checks");
    external.wait_for_check().await;
    assert!(seen.has_moved(&session, &mut external).unwrap(), "and the pause after the load does too");

    assert!(matches!(external.watch, Watch::Notifications(_)), "the file is watched again");
    while seen.has_moved(&session, &mut external).unwrap() {}
    other.execute("INSERT INTO numbers VALUES (2)").await.unwrap();
    external.wait_for_check().await;
    assert!(seen.has_moved(&session, &mut external).unwrap());
}
