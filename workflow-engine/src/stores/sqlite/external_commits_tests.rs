//! Tests of noticing the commits of other processes.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Executor};

use super::*;

/// A connection as another process has it.
async fn connection(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap()
}

#[tokio::test]
async fn a_commit_on_its_way_behind_one_that_is_seen_is_looked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.db");
    let (mut first, mut second) = (connection(&path).await, connection(&path).await);
    first.execute("CREATE TABLE numbers (number INTEGER)").await.unwrap();
    let own = rusqlite::Connection::open(&path).unwrap();
    let session = Session { connection: own, counters: Arc::default() };
    let mut seen = DataVersion::read(&session).unwrap();
    let mut foreign = ForeignCommits { watch: Watch::Polls, ..ForeignCommits::watch(&path) };
    let reported = Arc::clone(&foreign.reported);
    reported.flag.store(false, Ordering::Release);

    // One has committed, another has written and not yet committed, and there was one report of both.
    first.execute("INSERT INTO numbers VALUES (1)").await.unwrap();
    second.execute("BEGIN IMMEDIATE; INSERT INTO numbers VALUES (2)").await.unwrap();
    reported.raise();
    assert!(seen.has_moved(&session, &mut foreign).unwrap(), "the first one is told at once");
    second.execute("COMMIT").await.unwrap();

    assert!(reported.flag.load(Ordering::Acquire), "without another report, one looks again");
    assert!(seen.has_moved(&session, &mut foreign).unwrap(), "and finds the second one");
}
#[tokio::test]
async fn a_commit_while_nobody_watched_is_found_at_rest_and_the_next_one_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.db");
    let mut other = connection(&path).await;
    other.execute("CREATE TABLE numbers (number INTEGER)").await.unwrap();
    let own = rusqlite::Connection::open(&path).unwrap();
    let session = Session { connection: own, counters: Arc::default() };
    let mut seen = DataVersion::read(&session).unwrap();
    let mut foreign = ForeignCommits::watch(&path);

    while !matches!(foreign.watch, Watch::Transactions) {
        foreign.is_overdue();
    }
    other.execute("INSERT INTO numbers VALUES (1)").await.unwrap();
    assert!(foreign.is_overdue(), "under load every transaction looks");
    foreign.suspected().await;
    assert!(seen.has_moved(&session, &mut foreign).unwrap(), "and so does the rest after it");

    assert!(matches!(foreign.watch, Watch::StageReporter { .. }), "the file is watched again");
    while seen.has_moved(&session, &mut foreign).unwrap() {}
    other.execute("INSERT INTO numbers VALUES (2)").await.unwrap();
    foreign.suspected().await;
    assert!(seen.has_moved(&session, &mut foreign).unwrap());
}
