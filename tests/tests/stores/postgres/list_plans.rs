//! Lists of runs are read by indexes: their cost does not grow with the number of runs.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::postgres::Schema;
use workflow_engine::prelude::*;
use workflow_engine::{ErrorCode, RunFilter};

use super::fixture::{named_url, number};

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { Doubling = double }

/// The ended runs in the tables.
const RUNS: u32 = 20_000;

/// The items of a page.
const PAGE: usize = 50;

/// A session for the test, under the name of the schema.
pub(super) async fn connect(schema: &Schema) -> PgConnection {
    let mut connection = PgConnection::connect(&named_url(schema)).await.unwrap();
    let path = format!("SET search_path = {}", schema.name());
    sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut connection).await.unwrap();
    connection
}

/// Returns how many rows sequential scans and indexes have read, once every session under the schema's name has reported.
pub(super) async fn rows_read(schema: &Schema) -> [i64; 2] {
    let mut connection = PgConnection::connect(schema.url()).await.unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ";
    while number(&mut connection, &format!("{sessions}'{}'", schema.name())).await > 0 {
        tokio::task::yield_now().await;
    }
    let mut read = [0; 2];
    for (column, read) in ["seq_tup_read", "idx_tup_fetch"].into_iter().zip(&mut read) {
        let sum = format!(
            "SELECT sum({column})::bigint FROM pg_stat_user_tables WHERE schemaname = '{}'",
            schema.name()
        );
        *read = number(&mut connection, &sum).await;
    }
    connection.close().await.unwrap();
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_read_pages_and_not_tables() {
    needs_postgres!("lists_read_pages_and_not_tables");
    let schema = Schema::new();
    let options = || schema.options_at(&named_url(&schema));
    let engine = Engine::builder(options()).register::<Doubling>().build().await.unwrap();
    let run = engine.start::<Doubling>(DoublingInput { number: 21 }).await.unwrap();
    run.output().await.unwrap();
    let created_at = run.record().await.unwrap().created_at;
    engine.shutdown().await;

    // Copies of that run, with ids of the year 2000. One in 256 has failed, and one in 256 has a tag.
    let mut side = connect(&schema).await;
    let columns = "SELECT string_agg(column_name, ', ') FROM information_schema.columns
        WHERE table_schema = current_schema AND table_name = 'workflow_runs' AND column_name <> 'id'";
    let columns: String = sqlx::query_scalar(columns).fetch_one(&mut side).await.unwrap();
    let copy = format!(
        "INSERT INTO workflow_runs (id, {columns})
        SELECT (lpad(to_hex(946684800000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, {columns}
        FROM generate_series(1::bigint, {RUNS}) AS n CROSS JOIN workflow_runs;
        UPDATE workflow_runs SET status = 'FAILED', error_code = 'STAGE_FAILED', error_message = 'no'
        WHERE id::text LIKE '00%00';
        INSERT INTO workflow_run_tags (workflow_run_id, key, value)
        SELECT id, 'customer', 'acme' FROM workflow_runs WHERE id::text LIKE '00%01';
        ANALYZE"
    );
    sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut side).await.unwrap();
    side.close().await.unwrap();

    let before = rows_read(&schema).await;
    let engine = Engine::builder(options()).register::<Doubling>().without_worker().build().await.unwrap();
    let all = RunFilter::new();
    let lists = [
        (all.clone(), PAGE),
        (all.clone().workflow::<Doubling>(), PAGE),
        (all.clone().unfinished(), 0),
        (all.clone().status(Status::Failed), PAGE),
        (all.clone().error_code(ErrorCode::StageFailed), PAGE),
        (all.clone().tag("customer", "acme"), PAGE),
        (all.clone().tag("customer", "acme").status(Status::Failed), 0),
    ];
    for (filter, expected) in &lists {
        let page = engine.runs(filter).limit(PAGE).await.unwrap();
        assert_eq!(page.items.len(), *expected, "{filter:?}");
        assert_eq!(engine.progress(&page.items).await.unwrap().len(), *expected);
        if let Some(next) = page.next {
            engine.runs(filter).limit(PAGE).after(next).await.unwrap();
        }
    }
    assert_eq!(engine.count_runs(&all.clone().unfinished(), 1_000).await.unwrap().count, 0);
    assert_eq!(engine.count_runs(&all.clone().tag("customer", "acme"), 1_000).await.unwrap().count, 79);
    engine.shutdown().await;
    let after = rows_read(&schema).await;

    assert_eq!(after[0] - before[0], 0, "a table is scanned");
    let by_index = after[1] - before[1];
    assert!(by_index < i64::from(RUNS) / 4, "{by_index} rows were read for {} pages", 2 * lists.len());

    // A search for expensive runs reads the newest ones, and stops at the instant that it is given.
    let engine = Engine::builder(options()).register::<Doubling>().without_worker().build().await.unwrap();
    let since = created_at + chrono::TimeDelta::hours(1);
    assert!(engine.most_expensive_runs(Some(since), 20).await.unwrap().items.is_empty());
    engine.shutdown().await;
    let last = rows_read(&schema).await;
    assert_eq!(last[0] - after[0], 0, "a table is scanned");
    assert!(last[1] - after[1] < 5_000, "{} rows were read", last[1] - after[1]);
}
