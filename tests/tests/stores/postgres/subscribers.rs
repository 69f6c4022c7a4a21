//! Registrations beside commits.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use tests::deliveries::{subscribe, waiting};
use tests::postgres::Schema;
use workflow_engine::ports::{Outbox, Persistence};
use workflow_engine::stores::PostgresStore;

use super::fixture::{named_url, number, running};

/// A commit that has found no subscriber leaves its events to none. So a registration returns only when each such commit
/// has ended, and from then on each commit finds the subscriber. Meanwhile other commits are not held up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_misses_no_event_of_a_commit_in_progress() {
    needs_postgres!("a_registration_misses_no_event_of_a_commit_in_progress");
    let schema = Schema::new();
    let name = schema.name().to_owned();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    let committer = schema.open().await;

    let (mut commit, mut watcher) = (schema.connect().await, schema.connect().await);
    let read = format!("BEGIN; SELECT count(*) FROM {name}.workflow_subscribers");
    sqlx::raw_sql(AssertSqlSafe(read)).execute(&mut commit).await.unwrap();
    let registering = tokio::spawn({
        let store = Arc::clone(&store);
        async move { subscribe(&*store).await }
    });
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event_type = 'Lock'"
    );
    while number(&mut watcher, &waits).await == 0 {}
    running(&committer).await;
    assert!(store.subscribers().await.unwrap().is_empty());
    assert!(!registering.is_finished(), "a commit that has not seen the subscriber is in progress");

    sqlx::raw_sql("COMMIT").execute(&mut commit).await.unwrap();
    registering.await.unwrap();
    let job = running(&committer).await;
    let events = waiting(&*store).await;
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.run_id == job.lease.run_id));
    committer.close().await;
    store.close().await;
}
