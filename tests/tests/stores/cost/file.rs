//! The cost of a diamond on SQLite.

use std::path::Path;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tempfile::TempDir;
use workflow_engine::Engine;
use workflow_engine::stores::{SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

use super::above::{self, Above};
use super::{
    Bound, Cost, RUNS, Subscribers, WARM_UP, check_choices, choosing, engine, plain, run, run_as, ticks,
};

/// One statement of a run reads, to check that the run is new; the writer has cached the rest. The write-ahead log
/// stores whole pages of 4 KiB; this is 28 of them.
const BOUND: Bound = Bound { statements: (12, 3), rows: (13, 1), bytes: 118_000 };

/// Counts every row that is written, by triggers.
async fn count_rows(connection: &mut SqliteConnection) {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlx%'
        AND name NOT LIKE 'sqlite%'";
    let tables = sqlx::query(tables).fetch_all(&mut *connection).await.unwrap();
    let mut sql = "CREATE TABLE written (rows INTEGER); INSERT INTO written VALUES (0);".to_owned();
    for table in tables.iter().map(|row| row.get::<String, _>(0)) {
        sql.extend(["INSERT", "UPDATE", "DELETE"].map(|event| {
            format!(
                "CREATE TRIGGER {table}_{event} AFTER {event} ON {table}
                BEGIN UPDATE written SET rows = rows + 1; END;"
            )
        }));
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

async fn current_cost(store: &SqliteStore, counter: Option<&mut SqliteConnection>, path: &Path) -> Cost {
    let statistics = store.statistics();
    let rows = match counter {
        Some(counter) => {
            let rows = sqlx::query("SELECT rows FROM written").fetch_one(counter).await.unwrap();
            rows.get::<i64, _>(0).try_into().unwrap()
        }
        None => 0,
    };
    Cost {
        transactions: statistics.transactions,
        statements: statistics.statements,
        requests: statistics.requests,
        rows,
        bytes: std::fs::metadata(path.with_extension("db-wal")).unwrap().len(),
    }
}

/// Returns the cost of [`RUNS`] runs. Counting rows adds bytes, so bytes are measured without it.
async fn cost(subscribers: Subscribers, is_counted: bool) -> Cost {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(path.to_str().unwrap()).await.unwrap();
    let store = Arc::new(store);
    let mut counter = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    if is_counted {
        count_rows(&mut counter).await;
    }
    let engine = engine(store.clone(), subscribers).await;
    run(&engine, WARM_UP).await;
    let before = current_cost(&store, is_counted.then_some(&mut counter), &path).await;
    run(&engine, RUNS).await;
    let after = current_cost(&store, is_counted.then_some(&mut counter), &path).await;
    counter.close().await.unwrap();
    engine.shutdown().await;
    after - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    for subscribers in [Subscribers::None, Subscribers::OtherProcess, Subscribers::ThisProcess] {
        let (counted, written) = (cost(subscribers, true).await, cost(subscribers, false).await);
        let cost_of_runs = Cost { bytes: written.bytes, ..counted };
        println!("subscribers: {subscribers:?}: {cost_of_runs}");
        if subscribers == Subscribers::ThisProcess {
            cost_of_runs.check_with_deliveries();
        } else {
            cost_of_runs.check(&BOUND);
        }
    }
}

/// Returns the cost of [`RUNS`] plain runs, and of as many others on the same store.
async fn costs_beside_plain(others: impl AsyncFn(&Engine, u64)) -> [Cost; 2] {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = Arc::new(SqliteStore::open(path.to_str().unwrap()).await.unwrap());
    let mut counter = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    count_rows(&mut counter).await;
    let engine = engine(store.clone(), Subscribers::None).await;
    run_as::<plain>(&engine, WARM_UP).await;
    let before = current_cost(&store, Some(&mut counter), &path).await;
    run_as::<plain>(&engine, RUNS).await;
    let of_plain = current_cost(&store, Some(&mut counter), &path).await - before;
    others(&engine, WARM_UP).await;
    let before = current_cost(&store, Some(&mut counter), &path).await;
    others(&engine, RUNS).await;
    let of_others = current_cost(&store, Some(&mut counter), &path).await - before;
    counter.close().await.unwrap();
    engine.shutdown().await;
    [of_plain, of_others]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn choices_on_sqlite() {
    let [of_plain, of_choosing] = costs_beside_plain(run_as::<choosing>).await;
    println!("plain: {of_plain}\nchoosing: {of_choosing}");
    check_choices(of_plain, of_choosing);
}

async fn check(above: Above, runs: impl AsyncFn(&Engine, u64)) {
    let [of_plain, of_runs] = costs_beside_plain(runs).await;
    above.check(of_plain, of_runs, above.statements_on_sqlite);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_on_sqlite() {
    check(above::SIGNAL, above::with_signals).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delays_on_sqlite() {
    check(above::DELAY, above::with_delays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caught_failures_on_sqlite() {
    check(above::CAUGHT, above::with_failures).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_on_sqlite() {
    check(above::CHILD, above::with_children).await;
}

/// The most statements that a tick has beside those of a start.
const TICK_STATEMENTS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_on_sqlite() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let clock = FakeClock::new();
    let mut options = SqliteOptions::new(path.to_str().unwrap());
    options.clock = Arc::new(clock.clone());
    let store = Arc::new(SqliteStore::open(options).await.unwrap());
    let mut counter = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    count_rows(&mut counter).await;
    let engine = ticks::engine(store.clone(), &clock, WARM_UP + RUNS).await;
    ticks::start(&engine, 0..WARM_UP).await;
    let before = current_cost(&store, Some(&mut counter), &path).await;
    ticks::start(&engine, WARM_UP..WARM_UP + RUNS).await;
    let of_starts = current_cost(&store, Some(&mut counter), &path).await - before;
    ticks::tick(&engine, WARM_UP).await;
    let before = current_cost(&store, Some(&mut counter), &path).await;
    ticks::tick(&engine, RUNS).await;
    let of_ticks = current_cost(&store, Some(&mut counter), &path).await - before;
    ticks::check(of_starts, of_ticks, TICK_STATEMENTS);
    counter.close().await.unwrap();
    engine.shutdown().await;
}
