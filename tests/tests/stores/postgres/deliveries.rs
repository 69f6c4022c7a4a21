//! Flushers of several processes.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use tests::deliveries::{ask, race};
use tests::postgres::Schema;
use workflow_engine::ports::{Outbox, Persistence, Store};
use workflow_engine::stores::PostgresStore;

use super::fixture::{complete, named_url, number, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_15_flushers_of_three_processes_deliver_everything_once_and_in_order() {
    needs_postgres!("trap_15_flushers_of_three_processes_deliver_everything_once_and_in_order");
    let schema = Schema::new();
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..3 {
        let store = schema.open().await;
        tests::deliveries::subscribe(&store).await;
        stores.push(Arc::new(store));
    }
    race(stores.clone()).await;
    for store in stores {
        store.close().await;
    }
}

/// Events for which another process creates deliveries, while this one waits for its locks, do not get a second
/// delivery; the remaining events do get one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_15_events_that_another_process_publishes_meanwhile_are_delivered_once() {
    needs_postgres!("trap_15_events_that_another_process_publishes_meanwhile_are_delivered_once");
    let schema = Schema::new();
    let name = schema.name().to_owned();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    tests::deliveries::subscribe(&*store).await;
    let job = running(&*store).await;
    store.commit(complete(&job)).await.unwrap();

    let (mut other, mut watcher) = (schema.connect().await, schema.connect().await);
    let publish =
        format!("BEGIN; UPDATE {name}.workflow_commits SET published_at = now() WHERE last_sequence <= 3");
    sqlx::raw_sql(AssertSqlSafe(publish)).execute(&mut other).await.unwrap();
    let claiming = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.claim_deliveries(&ask()).await.unwrap() }
    });
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event_type = 'Lock'"
    );
    while number(&mut watcher, &waits).await == 0 {}
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    let claimed = claiming.await.unwrap();
    let sequences: Vec<u64> = claimed[0].events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [4, 5]);
    store.close().await;
}
