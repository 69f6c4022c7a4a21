//! The clock of a PostgreSQL server jumps ahead and back, while engines use the clock as it is.
//!
//! A schema before `pg_catalog` in the search path replaces the functions that return the time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use tests::events::wait_for;
use tests::postgres::{self, Schema};
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Clock, JobTransport, Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::stores::PostgresStore;

use super::engines::{OrderInput, printing, until};

const DELAY: Duration = Duration::from_secs(600);

/// A schema of tables, and the clock of its server.
struct Server {
    schema: Schema,
    url: String,
    settings: PgConnection,
}

impl Server {
    async fn new() -> Self {
        let schema = Schema::new();
        let mut settings = schema.connect().await;
        let clock = format!("{}_clock", schema.name());
        let functions = ["clock_timestamp", "statement_timestamp"].map(|name| {
            format!(
                "CREATE FUNCTION {clock}.{name}() RETURNS timestamptz STABLE LANGUAGE sql
                AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM {clock}.setting';"
            )
        });
        let create = format!(
            "CREATE SCHEMA {clock}; CREATE TABLE {clock}.setting (ahead INTERVAL);
            INSERT INTO {clock}.setting VALUES ('0'); {}",
            functions.concat()
        );
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut settings).await.unwrap();
        let separator = if schema.url().contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}options=-csearch_path%3D{clock},pg_catalog", schema.url());
        Self { schema, url, settings }
    }

    /// Sets the clock ahead of the real time.
    async fn set_ahead(&mut self, hours: u32) {
        let set = format!("UPDATE {}_clock.setting SET ahead = '{hours} hours'", self.schema.name());
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut self.settings).await.unwrap();
    }

    async fn open(&self) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::open(self.schema.options_at(&self.url)).await.unwrap())
    }

    async fn close(mut self) {
        let drop = format!("DROP SCHEMA {}_clock CASCADE", self.schema.name());
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut self.settings).await.unwrap();
    }
}

async fn build(store: &Arc<PostgresStore>) -> Engine {
    let store = Arc::clone(store) as Arc<dyn Store>;
    EngineBuilder::with_store(store, Arc::new(SystemClock)).register::<printing>().build().await.unwrap()
}

/// Returns whether the first check is due within its delay. By this process's clock, to which the store converts.
async fn is_due_in_time(store: &PostgresStore) -> bool {
    let definitions = [printing::definition().fingerprint().to_owned()];
    let due = store.next_job_due(&definitions).await.unwrap().expect("a check is due");
    due <= SystemClock.now() + DELAY
}

/// Starts a run that waits for its first check.
async fn wait_for_check(engine: &Engine) {
    let run = engine.start::<printing>(OrderInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_made_in_time_although_the_clock_of_the_server_was_an_hour_ahead() {
    if !postgres::is_available("a_check_is_made_in_time_although_the_clock_of_the_server_was_an_hour_ahead") {
        return;
    }
    let mut server = Server::new().await;
    let store = server.open().await;
    let engine = build(&store).await;
    server.set_ahead(1).await;
    wait_for_check(&engine).await;
    assert!(is_due_in_time(&store).await, "the clock is still ahead");
    server.set_ahead(0).await;
    // The store reads the clock with the next commit, at the latest with its next poll.
    until(async || is_due_in_time(&store).await).await;
    engine.shutdown().await;
    server.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_after_the_clock_of_the_server_went_back_corrects_what_it_finds() {
    if !postgres::is_available(
        "a_process_that_starts_after_the_clock_of_the_server_went_back_corrects_what_it_finds",
    ) {
        return;
    }
    let mut server = Server::new().await;
    server.set_ahead(1).await;
    let store = server.open().await;
    let engine = build(&store).await;
    wait_for_check(&engine).await;
    engine.shutdown().await;
    server.set_ahead(0).await;

    let store = server.open().await;
    assert!(!is_due_in_time(&store).await);
    let engine = build(&store).await;
    until(async || is_due_in_time(&store).await).await;
    engine.shutdown().await;
    server.close().await;
}
