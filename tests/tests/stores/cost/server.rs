//! The cost of a diamond on PostgreSQL.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tests::postgres::{self, Cluster, Schema};
use workflow_engine::Engine;
use workflow_engine::stores::{PostgresOptions, PostgresStore};
use workflow_engine::testing::FakeClock;

use super::above::{self, Above};
use super::{Bound, Cost, RUNS, Subscribers, WARM_UP, engine, plain, run, run_as, ticks};

/// One statement for each commit, and about 1.4 KiB for each stage.
const BOUND: Bound = Bound { statements: (4, 1), rows: (13, 1), bytes: 5_700 };

/// Counts every row that is written, by triggers. They use a sequence, because it takes no lock until the commit.
async fn count_rows(connection: &mut PgConnection, schema: &str) {
    let tables = format!("SELECT tablename::text FROM pg_tables WHERE schemaname = '{schema}'");
    let tables = sqlx::query(AssertSqlSafe(tables)).fetch_all(&mut *connection).await.unwrap();
    let mut sql = format!(
        "CREATE SEQUENCE {schema}.written CACHE 1;
        CREATE FUNCTION {schema}.count_it() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('{schema}.written'); RETURN NULL; END $$;"
    );
    sql.extend(tables.iter().map(|row| {
        let table: String = row.get(0);
        format!(
            "CREATE TRIGGER counted AFTER INSERT OR UPDATE OR DELETE ON {schema}.{table}
            FOR EACH ROW EXECUTE FUNCTION {schema}.count_it();"
        )
    }));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn number(connection: &mut PgConnection, sql: &str) -> u64 {
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap();
    row.get::<i64, _>(0).try_into().unwrap()
}

async fn current_cost(store: &PostgresStore, counter: &mut PgConnection, schema: Option<&str>) -> Cost {
    let statistics = store.statistics();
    let rows = match schema {
        Some(schema) => number(counter, &format!("SELECT last_value FROM {schema}.written")).await,
        None => 0,
    };
    let bytes = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
    Cost {
        transactions: statistics.transactions,
        statements: statistics.statements,
        requests: statistics.requests,
        rows,
        bytes: number(counter, bytes).await,
    }
}

/// Returns the cost of [`RUNS`] runs. Counting rows adds bytes, so bytes are measured without it.
async fn cost(cluster: &Cluster, schema: &str, subscribers: Subscribers, is_counted: bool) -> Cost {
    let mut options = PostgresOptions::new(cluster.url());
    options.schema = schema.to_owned();
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    let mut counter = PgConnection::connect(cluster.url()).await.unwrap();
    if is_counted {
        count_rows(&mut counter, schema).await;
    }
    let counted = is_counted.then_some(schema);
    let engine = engine(store.clone(), subscribers).await;
    run(&engine, WARM_UP).await;
    let before = current_cost(&store, &mut counter, counted).await;
    run(&engine, RUNS).await;
    let after = current_cost(&store, &mut counter, counted).await;
    engine.shutdown().await;
    after - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    if !postgres::is_available("on_postgres") {
        return;
    }
    // A throwaway cluster, so that no other test writes to its log, and neither does its own maintenance.
    let Some(cluster) = Cluster::start_with("autovacuum = off\ncheckpoint_timeout = 1d") else {
        eprintln!("skipped: on_postgres: the test needs its own server");
        return;
    };
    for (number, subscribers) in
        [Subscribers::None, Subscribers::OtherProcess, Subscribers::ThisProcess].into_iter().enumerate()
    {
        let counted = cost(&cluster, &format!("counted_{number}"), subscribers, true).await;
        let written = cost(&cluster, &format!("written_{number}"), subscribers, false).await;
        let cost_of_runs = Cost { bytes: written.bytes, ..counted };
        println!("subscribers: {subscribers:?}: {cost_of_runs}");
        if subscribers == Subscribers::ThisProcess {
            cost_of_runs.check_with_deliveries();
        } else {
            cost_of_runs.check(&BOUND);
        }
    }
}

/// Compares the cost of [`RUNS`] runs with that of as many plain ones on the same store.
async fn check(test: &str, above: Above, runs: impl AsyncFn(&Engine, u64)) {
    if !postgres::is_available(test) {
        return;
    }
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    let mut counter = schema.connect().await;
    count_rows(&mut counter, schema.name()).await;
    let engine = engine(store.clone(), Subscribers::None).await;
    run_as::<plain>(&engine, WARM_UP).await;
    let before = current_cost(&store, &mut counter, Some(schema.name())).await;
    run_as::<plain>(&engine, RUNS).await;
    let of_plain = current_cost(&store, &mut counter, Some(schema.name())).await - before;
    runs(&engine, WARM_UP).await;
    let before = current_cost(&store, &mut counter, Some(schema.name())).await;
    runs(&engine, RUNS).await;
    let of_runs = current_cost(&store, &mut counter, Some(schema.name())).await - before;
    above.check(of_plain, of_runs, above.statements_on_postgres);
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_on_postgres() {
    check("signals_on_postgres", above::SIGNAL, above::with_signals).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_on_postgres() {
    check("delays_on_postgres", above::DELAY, above::with_delays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caught_failures_on_postgres() {
    check("caught_failures_on_postgres", above::CAUGHT, above::with_failures).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_on_postgres() {
    check("children_on_postgres", above::CHILD, above::with_children).await;
}

/// The most statements that a tick has beside those of a start.
const TICK_STATEMENTS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_on_postgres() {
    if !postgres::is_available("ticks_on_postgres") {
        return;
    }
    let schema = Schema::new();
    let clock = FakeClock::new();
    let mut options = schema.options();
    options.clock = Some(Arc::new(clock.clone()));
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    let mut counter = schema.connect().await;
    count_rows(&mut counter, schema.name()).await;
    let engine = ticks::engine(store.clone(), &clock, WARM_UP + RUNS).await;
    ticks::start(&engine, 0..WARM_UP).await;
    let before = current_cost(&store, &mut counter, Some(schema.name())).await;
    ticks::start(&engine, WARM_UP..WARM_UP + RUNS).await;
    let of_starts = current_cost(&store, &mut counter, Some(schema.name())).await - before;
    ticks::tick(&engine, WARM_UP).await;
    let before = current_cost(&store, &mut counter, Some(schema.name())).await;
    ticks::tick(&engine, RUNS).await;
    let of_ticks = current_cost(&store, &mut counter, Some(schema.name())).await - before;
    ticks::check(of_starts, of_ticks, TICK_STATEMENTS);
    engine.shutdown().await;
}
