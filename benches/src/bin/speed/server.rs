//! The PostgreSQL server that the measurements share, each with its own database.

use benches::server::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::Outcome;

/// Typical settings for such a load on a machine of this size. Those that make a commit durable have their defaults and are
/// stated because the figures depend on them.
pub const SETTINGS: &str = "\
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 1GB
max_wal_size = 8GB
checkpoint_timeout = 15min";

/// A server.
pub struct Server {
    url: String,
    connection: PgConnection,
    databases: u32,
    /// Stops the server on drop.
    _cluster: Option<Cluster>,
}

impl Server {
    /// Connects to the server that `DATABASE_URL` names, or starts a temporary one. Returns `None` if PostgreSQL is not
    /// installed.
    pub async fn start() -> Outcome<Option<Self>> {
        let (url, cluster) = match std::env::var(crate::place::URL) {
            Ok(url) => (url, None),
            Err(_) => match Cluster::start_with(SETTINGS) {
                Some(cluster) => (cluster.url().to_owned(), Some(cluster)),
                None => return Ok(None),
            },
        };
        let connection = PgConnection::connect(&url).await?;
        Ok(Some(Self { url, connection, databases: 0, _cluster: cluster }))
    }

    /// Returns the version and the settings that affect durability.
    pub async fn description(&mut self) -> Outcome<String> {
        let names = "'server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', \
                     'max_wal_size'";
        let sql = format!(
            "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name = 'server_version' DESC, name)
            FROM pg_settings WHERE name IN ({names})"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut self.connection).await?;
        Ok(row.get(0))
    }

    /// Creates a database, then makes a checkpoint, so that no earlier writes are pending.
    pub async fn create(&mut self) -> Outcome<Database> {
        self.databases += 1;
        let name = format!("speed_{}_{}", std::process::id(), self.databases);
        self.execute(format!("CREATE DATABASE {name}")).await?;
        self.execute("CHECKPOINT".to_owned()).await?;
        let (place, parameters) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (server, _) = place.rsplit_once('/').ok_or("the URL does not name a database")?;
        Ok(Database { url: format!("{server}/{name}?{parameters}"), name })
    }

    /// Removes a database and closes its connections.
    pub async fn remove(&mut self, database: Database) -> Outcome<()> {
        self.execute(format!("DROP DATABASE {} WITH (FORCE)", database.name)).await
    }

    async fn execute(&mut self, sql: String) -> Outcome<()> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// A database of the server.
pub struct Database {
    pub url: String,
    name: String,
}
