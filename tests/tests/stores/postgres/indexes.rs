//! Optional indexes on a server: they are made beside running transactions, however long that takes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};
use tests::postgres::Schema;
use workflow_engine::ports::{Indexes, OptionalIndex, Persistence};
use workflow_engine::stores::PostgresStore;

use super::fixture::running;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_may_take_longer_than_a_transaction() {
    needs_postgres!("an_index_may_take_longer_than_a_transaction");
    let schema = Schema::new();
    schema.open().await.close().await;
    let mut options = schema.options();
    options.transaction_timeout = Duration::from_secs(1);
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    running(&*store).await;

    // The index waits for the end of this transaction, which could write rows that it lacks.
    let mut writer = schema.connect().await;
    let write = format!("BEGIN; UPDATE {}.workflow_runs SET priority = priority WHERE FALSE", schema.name());
    sqlx::raw_sql(AssertSqlSafe(write)).execute(&mut writer).await.unwrap();
    let adding = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.add_index(OptionalIndex::ByWorkflow).await }
    });
    let mut observer = schema.connect().await;
    let waits = format!(
        "SELECT count(*) FROM pg_stat_progress_create_index
        WHERE relid = to_regclass('{}.workflow_runs') AND phase LIKE 'waiting for writers%'",
        schema.name()
    );
    while super::fixture::number(&mut observer, &waits).await == 0 {
        assert!(!adding.is_finished(), "it ends before the writer does");
        tokio::task::yield_now().await;
    }
    // Twice as long as a transaction may take, by the server's clock.
    sqlx::raw_sql("SELECT pg_sleep(2); COMMIT").execute(&mut writer).await.unwrap();
    assert!(adding.await.unwrap().unwrap(), "the index is made");

    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)";
    let name = format!("{}.workflow_runs_by_workflow", schema.name());
    let row = sqlx::query(valid).bind(name).fetch_one(&mut observer).await.unwrap();
    assert!(row.get::<bool, _>(0), "and can be used");
    running(&*store).await;
    store.close().await;
}
