//! PostgreSQL for tests: a throwaway cluster for each test program, started where it is first asked for.
//!
//! `DATABASE_URL` names a server to be used instead. Where there is neither that nor a locally installed PostgreSQL,
//! tests are reported as skipped; with `CI=true` that is a failure.

mod binaries;
mod cluster;
pub mod pooler;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use workflow_engine::stores::{PostgresOptions, PostgresStore};

pub use self::cluster::Cluster;

/// The server that the tests of this program share: its URL, and the cluster where it was started for them.
struct Server {
    url: String,
    is_ours: bool,
    _cluster: Option<Cluster>,
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || match std::env::var("DATABASE_URL") {
        Ok(url) => Some(Server { url, is_ours: false, _cluster: None }),
        Err(_) => Cluster::start().map(|cluster| Server {
            url: cluster.url().to_owned(),
            is_ours: true,
            _cluster: Some(cluster),
        }),
    };
    SERVER.get_or_init(start).as_ref()
}

/// Whether there is a server. Where there is none, says that `test` is skipped.
///
/// # Panics
/// With `CI=true`, where there is none.
pub fn is_available(test: &str) -> bool {
    let available = server().is_some();
    if !available {
        let how = "PostgreSQL is not installed here (`initdb` is in none of the usual places), and there is no \
                   `DATABASE_URL`";
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{test}: {how}");
        eprintln!("skipped: {test}: {how}");
    }
    available
}

/// A schema of a test's own, gone with it.
pub struct Schema {
    url: String,
    name: String,
    is_dropped: bool,
}

impl Schema {
    /// A name that nothing else has; the schema comes to be where a store is opened on it.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server().expect("a test asks first whether there is a server");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        // A throwaway cluster goes as a whole.
        Self { url: server.url.clone(), name, is_dropped: !server.is_ours }
    }

    /// The database's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The schema's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Options for a store on this schema.
    pub fn options(&self) -> PostgresOptions {
        self.options_at(&self.url)
    }

    /// The same over another URL of the same database.
    pub fn options_at(&self, url: &str) -> PostgresOptions {
        let mut options = PostgresOptions::new(url);
        options.schema.clone_from(&self.name);
        options
    }

    /// A store on this schema, by the database's clock.
    pub async fn open(&self) -> PostgresStore {
        PostgresStore::open(self.options()).await.expect("the server is there")
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the server is there")
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
        // A test's runtime may be at its end.
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
            eprintln!("the schema {} is left behind", self.name);
        }
    }
}
