//! The cost of a diamond on PostgreSQL.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tests::postgres::{self, Cluster};
use workflow_engine::stores::{PostgresOptions, PostgresStore};

use super::{Bound, Cost, RUNS, Subscribers, WARM_UP, engine, plain, run, run_as, signals};

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
    // A throwaway cluster, so that no other test writes to its log.
    let Some(cluster) = Cluster::start() else {
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

/// The most statements of a wait: one or two for each commit, and one for each queue that a commit reads or writes.
const WAIT_STATEMENTS: u64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_on_postgres() {
    if !postgres::is_available("signals_on_postgres") {
        return;
    }
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: signals_on_postgres: the test needs its own server");
        return;
    };
    let mut options = PostgresOptions::new(cluster.url());
    options.schema = "signals".to_owned();
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    let mut counter = PgConnection::connect(cluster.url()).await.unwrap();
    count_rows(&mut counter, "signals").await;
    let engine = engine(store.clone(), Subscribers::None).await;
    let mut costs = Vec::new();
    for waits in [false, true] {
        let runs = async |runs| {
            if waits { signals::run(&engine, runs).await } else { run_as::<plain>(&engine, runs).await }
        };
        runs(WARM_UP).await;
        let before = current_cost(&store, &mut counter, Some("signals")).await;
        runs(RUNS).await;
        costs.push(current_cost(&store, &mut counter, Some("signals")).await - before);
    }
    signals::check(costs[0], costs[1], WAIT_STATEMENTS);
    engine.shutdown().await;
}
