//! Chaos: worker processes on one PostgreSQL server that are killed and stopped, while the server drops connections and
//! crashes.
//!
//! `work` is the workflow, `crew` the worker processes, `faults` injects the faults, and `judge` checks the result in
//! the database and in the files that bodies and sink have written.

pub mod work;
pub mod crew;
pub mod faults;
pub mod judge;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use workflow_engine::ports::{Clock, SystemClock};

/// The duration of leases.
pub const LEASE: Duration = Duration::from_secs(2);

/// Polls until `done` returns true: it checks the state of another process, which sends no signal.
///
/// # Panics
/// After five minutes; the message names `what`.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    const INTERVAL: Duration = Duration::from_millis(10);
    for _ in 0..30_000 {
        if done().await {
            return;
        }
        SystemClock.sleep(INTERVAL).await;
    }
    panic!("timed out after five minutes, waiting until {what}");
}

/// Opens a connection for the test itself, which sees the engine's tables.
///
/// # Errors
/// While the server is down.
///
/// # Panics
/// When `database` is no URL.
pub async fn connect(database: &str) -> sqlx::Result<PgConnection> {
    let options = PgConnectOptions::from_str(database).expect("a URL");
    options.options([("search_path", "workflow_engine")]).connect().await
}
