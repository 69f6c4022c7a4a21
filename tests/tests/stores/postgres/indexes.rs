//! Optional indexes on a server: they are made beside running transactions, however long that takes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tests::postgres::Cluster;
use workflow_engine::ports::{Indexes, OptionalIndex, Persistence};
use workflow_engine::stores::{PostgresOptions, PostgresStore};

use super::fixture::{number, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_may_take_longer_than_a_transaction() {
    needs_postgres!("an_index_may_take_longer_than_a_transaction");
    // A server of its own: other tests analyze every table of theirs, and would wait for this one.
    let Some(cluster) = Cluster::start() else { return };
    PostgresStore::open(PostgresOptions::new(cluster.url())).await.unwrap().close().await;
    let mut options = PostgresOptions::new(cluster.url());
    options.transaction_timeout = Duration::from_secs(1);
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    running(&*store).await;

    // The index waits for the end of this transaction, which could write rows that it lacks.
    let mut writer = PgConnection::connect(cluster.url()).await.unwrap();
    let write = "BEGIN; UPDATE workflow_engine.workflow_runs SET priority = priority WHERE FALSE";
    sqlx::raw_sql(write).execute(&mut writer).await.unwrap();
    let adding = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.add_index(OptionalIndex::ByWorkflow).await }
    });
    // Until it has lasted twice as long as a transaction may, by the server's clock.
    let is_long = "SELECT count(*) FROM pg_stat_activity
        WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND clock_timestamp() - query_start > interval '2 s'";
    let mut observer = PgConnection::connect(cluster.url()).await.unwrap();
    while number(&mut observer, is_long).await == 0 {
        assert!(!adding.is_finished(), "it ends before the writer does");
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("COMMIT").execute(&mut writer).await.unwrap();
    assert!(adding.await.unwrap().unwrap(), "the index is made");

    let usable = "SELECT count(*) FROM pg_index
        WHERE indexrelid = 'workflow_engine.workflow_runs_by_workflow'::regclass AND indisvalid";
    assert_eq!(number(&mut observer, usable).await, 1);
    running(&*store).await;
    store.close().await;
}
