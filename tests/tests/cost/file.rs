//! A diamond on SQLite.

use std::path::Path;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tempfile::TempDir;
use workflow_engine::stores::SqliteStore;

use super::{Bound, Listeners, RUNS, Spent, WARM_UP, engine, run};

/// One statement reads, whether the run is new: what follows is known to the writer. The write-ahead log takes whole
/// pages, of 4 KiB: these are 42 of them.
const BOUND: Bound = Bound { statements: (20, 4), rows: (35, 2), bytes: 175_000 };

/// Counts each row that anybody writes.
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

async fn spent(store: &SqliteStore, counter: Option<&mut SqliteConnection>, path: &Path) -> Spent {
    let statistics = store.statistics();
    let rows = match counter {
        Some(counter) => {
            let rows = sqlx::query("SELECT rows FROM written").fetch_one(counter).await.unwrap();
            rows.get::<i64, _>(0).try_into().unwrap()
        }
        None => 0,
    };
    Spent {
        transactions: statistics.transactions,
        statements: statistics.statements,
        requests: statistics.requests,
        rows,
        bytes: std::fs::metadata(path.with_extension("db-wal")).unwrap().len(),
    }
}

/// What so many runs cost; counting the rows costs bytes.
async fn cost(listeners: Listeners, is_counted: bool) -> Spent {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(path.to_str().unwrap()).await.unwrap();
    let store = Arc::new(store);
    let mut counter = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    if is_counted {
        count_rows(&mut counter).await;
    }
    let engine = engine(store.clone(), listeners).await;
    run(&engine, WARM_UP).await;
    let before = spent(&store, is_counted.then_some(&mut counter), &path).await;
    run(&engine, RUNS).await;
    let after = spent(&store, is_counted.then_some(&mut counter), &path).await;
    counter.close().await.unwrap();
    engine.shutdown().await;
    after - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    for listeners in [Listeners::Nobody, Listeners::Elsewhere, Listeners::Here] {
        let (counted, written) = (cost(listeners, true).await, cost(listeners, false).await);
        let spent = Spent { bytes: written.bytes, ..counted };
        println!("listeners: {listeners:?}: {spent}");
        if listeners == Listeners::Here {
            spent.check_with_deliveries();
        } else {
            spent.check(&BOUND);
        }
    }
}
