//! Statements on PostgreSQL: `search_path`, a pooler, locks of other sessions, and sessions that end.

use std::sync::Arc;

use sqlx::Connection;
use tests::postgres::{self, Cluster, Schema, pooler};
use tests::tables::Tables;
use tests::transfer::{DebitInput, transfer};
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore};
use workflow_engine::{EngineBuilder, Statement};

fn engine(store: Arc<dyn Store>) -> EngineBuilder {
    EngineBuilder::with_store(store, Arc::new(SystemClock))
}

async fn book(store: PostgresStore, bookings: &str) -> Result<i64, workflow_engine::Error> {
    let engine = engine(Arc::new(store)).register::<transfer>().build().await.unwrap();
    let input = DebitInput { bookings: bookings.into(), cents: 5 };
    let output = engine.start::<transfer>(input).await.unwrap().output().await;
    engine.shutdown().await;
    output
}

#[tokio::test]
async fn a_name_without_a_schema_is_looked_up_in_the_search_path() {
    if !postgres::is_available("a_name_without_a_schema_is_looked_up_in_the_search_path") {
        return;
    }
    let (own, engines) = (Schema::new(), Schema::new());
    let tables = Tables::Postgres(own);
    let Tables::Postgres(own) = &tables else { unreachable!() };
    tables
        .run(&format!(
            "CREATE SCHEMA {0}; CREATE TABLE {0}.bookings (run TEXT, stage TEXT, cents BIGINT)",
            own.name()
        ))
        .await;
    let separator = if own.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-csearch_path%3D{}", own.url(), own.name());
    let store = PostgresStore::open(engines.options_at(&url)).await.unwrap();
    assert_eq!(book(store, "bookings").await.unwrap(), 5);
    let count = format!("SELECT count(*)::text FROM {}.bookings", own.name());
    assert_eq!(tables.texts(&count).await, ["2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_run_through_a_pooler() {
    if !postgres::is_available("statements_run_through_a_pooler") {
        return;
    }
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: statements_run_through_a_pooler: the test server is not a local one that a pooler can use"
        );
        return;
    };
    let pooler = pooler::start(cluster.socket(), 3).await.unwrap();
    let mut session = sqlx::PgConnection::connect(cluster.url()).await.unwrap();
    let create = "CREATE TABLE public.bookings (run TEXT, stage TEXT, cents BIGINT)";
    sqlx::raw_sql(create).execute(&mut session).await.unwrap();
    let mut options = PostgresOptions::new(pooler.url());
    options.behind_pooler = true;
    let store = PostgresStore::open(options).await.unwrap();
    let engine = engine(Arc::new(store)).register::<transfer>().build().await.unwrap();
    for _ in 0..3 {
        let input = DebitInput { bookings: "public.bookings".into(), cents: 5 };
        assert_eq!(engine.start::<transfer>(input).await.unwrap().output().await.unwrap(), 5);
    }
    engine.shutdown().await;
    let count: (i64,) =
        sqlx::query_as("SELECT count(*) FROM bookings").fetch_one(&mut session).await.unwrap();
    assert_eq!(count.0, 6);
}

/// A stage whose statement terminates its own session the first time that it runs.
#[stage(retry(max_attempts = 1))]
async fn interrupt(table: String, ctx: &StageContext) -> StageResult<u32> {
    ctx.transaction().execute(Statement::new(format!("INSERT INTO {table} VALUES ('first')")))?.execute(
        Statement::new(format!(
            "INSERT INTO {table} SELECT CASE WHEN nextval($1::regclass) > 1 THEN 'second'
                ELSE pg_terminate_backend(pg_backend_pid())::text END"
        ))
        .bind(format!("{table}_number")),
    )?;
    Ok(ctx.attempt())
}

workflow! { interrupting = interrupt }

/// A lost connection is not a failure of the statement: the store repeats the commit on another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_in_a_transaction_does_not_fail_the_attempt() {
    if !postgres::is_available("a_session_that_ends_in_a_transaction_does_not_fail_the_attempt") {
        return;
    }
    let tables = Tables::Postgres(Schema::new());
    let engine = tables.engine().await.register::<interrupting>().build().await.unwrap();
    let table = tables.name("lines");
    tables.run(&format!("CREATE TABLE {table} (line TEXT); CREATE SEQUENCE {table}_number")).await;
    let run = engine.start::<interrupting>(InterruptInput { table: table.clone() }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 1);
    assert_eq!(tables.texts(&format!("SELECT line FROM {table} ORDER BY line")).await, ["first", "second"]);
    let last = tables.texts(&format!("SELECT last_value::text FROM {table}_number")).await;
    assert_eq!(last, ["2"], "the first time was interrupted");
    engine.shutdown().await;
}
