//! Chaos: worker processes on one PostgreSQL that are killed and stopped, and a server that breaks connections and
//! crashes.
//!
//! `work` is what the workers run, `crew` are the worker processes, `faults` is what befalls them, and `judge` says
//! afterwards whether everything ended right, from what is in the database and in the files that bodies and sink have
//! written.

pub mod work;
pub mod crew;
pub mod faults;
pub mod judge;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use workflow_engine::ports::{Clock, SystemClock};

/// How long a claim lasts.
pub const LEASE: Duration = Duration::from_secs(2);

/// Waits until `done` says so, looking now and then: what it looks at is another process's, and gives no signal.
///
/// # Panics
/// When it has looked for five minutes; with what it waited for.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    const LOOK: Duration = Duration::from_millis(10);
    for _ in 0..30_000 {
        if done().await {
            return;
        }
        SystemClock.sleep(LOOK).await;
    }
    panic!("five minutes have passed, and not: {what}");
}

/// A connection of the test's own, that sees the engine's tables; fails while the server is down.
///
/// # Errors
/// Then.
///
/// # Panics
/// When it is no URL.
pub async fn connect(database: &str) -> sqlx::Result<PgConnection> {
    let options = PgConnectOptions::from_str(database).expect("a URL");
    options.options([("search_path", "workflow_engine")]).connect().await
}
