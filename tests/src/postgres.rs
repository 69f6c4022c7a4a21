//! PostgreSQL for tests: a throwaway cluster for each test program, started when a test first needs it.
//!
//! `DATABASE_URL` names a server to be used instead. Without it and without a local PostgreSQL installation, tests are
//! reported as skipped; with `CI=true` they fail.

mod binaries;
mod cluster;
pub mod pooler;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use workflow_engine::ports::Persistence;
use workflow_engine::stores::{PostgresOptions, PostgresStore};

pub use self::cluster::Cluster;

/// The server that the tests of this program share.
struct Server {
    url: String,
    /// Whether this program has started it.
    is_throwaway: bool,
    _cluster: Option<Cluster>,
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || match std::env::var("DATABASE_URL") {
        Ok(url) => Some(Server { url, is_throwaway: false, _cluster: None }),
        Err(_) => Cluster::start().map(|cluster| Server {
            url: cluster.url().to_owned(),
            is_throwaway: true,
            _cluster: Some(cluster),
        }),
    };
    SERVER.get_or_init(start).as_ref()
}

/// Returns whether there is a server. If not, reports `test` as skipped.
///
/// # Panics
/// Without a server, if `CI=true`.
pub fn is_available(test: &str) -> bool {
    let available = server().is_some();
    if !available {
        let reason = "PostgreSQL is not installed (`initdb` is in none of the usual folders), and `DATABASE_URL` \
                      is not set";
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{test}: {reason}");
        eprintln!("skipped: {test}: {reason}");
    }
    available
}

/// Waits until a new store listens for other processes, which it says by the hint that anything may have changed. It
/// gives that hint again when it polls, after five seconds.
pub async fn wait_until_listening(store: &PostgresStore) {
    // The last part of the hint.
    let mut work = store.hints().watch_work();
    work.wait_for(|count| *count > 0).await.expect("the store has the sender");
}

/// The schema of one test. It is dropped with this value.
pub struct Schema {
    url: String,
    name: String,
    is_dropped: bool,
}

impl Schema {
    /// Chooses a unique name. The schema is created when a store is opened on it.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server().expect("a test calls `is_available` first");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        // A throwaway cluster is removed as a whole.
        Self { url: server.url.clone(), name, is_dropped: !server.is_throwaway }
    }

    /// Returns the database's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the schema's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns options for a store on this schema.
    pub fn options(&self) -> PostgresOptions {
        self.options_at(&self.url)
    }

    /// Returns these options with another URL of the same database.
    pub fn options_at(&self, url: &str) -> PostgresOptions {
        let mut options = PostgresOptions::new(url);
        options.schema.clone_from(&self.name);
        options
    }

    /// Opens a store on this schema, with the database's clock.
    pub async fn open(&self) -> PostgresStore {
        PostgresStore::open(self.options()).await.expect("the server is running")
    }

    /// Opens a connection for the test itself.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the server is running")
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if !self.is_dropped {
            return;
        }
        let (url, name) = (self.url.clone(), self.name.clone());
        // The test's runtime may be shutting down.
        let dropping = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                let drop = AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {name} CASCADE"));
                sqlx::raw_sql(drop).execute(&mut connection).await?;
                connection.close().await
            })
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("the schema `{}` could not be dropped", self.name);
        }
    }
}
