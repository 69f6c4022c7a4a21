//! The location of a measurement's store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::Outcome;

/// The kind of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("the stores are sqlite and postgres, not `{name}`"))
    }
}

/// The environment variables with the location.
pub const FILE: &str = "BENCH_SQLITE";
pub const URL: &str = "DATABASE_URL";

/// The file or the database of this process.
#[derive(Clone, Debug)]
pub enum Place {
    Sqlite { file: String },
    Postgres { url: String },
}

impl Place {
    /// Reads the location from the environment.
    pub fn from_env(kind: Kind) -> Outcome<Self> {
        let variable =
            |name| std::env::var(name).map_err(|_| format!("set {name} to the location of the store"));
        Ok(match kind {
            Kind::Sqlite => Self::Sqlite { file: variable(FILE)? },
            Kind::Postgres => Self::Postgres { url: variable(URL)? },
        })
    }

    /// Opens a connection that observes the measured store.
    pub async fn connect(&self) -> Outcome<Side> {
        Ok(match self {
            Self::Sqlite { file } => {
                let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
                let options = options.busy_timeout(Duration::from_secs(60));
                Side::Sqlite(options.connect().await?)
            }
            Self::Postgres { url } => {
                let mut connection = PgConnection::connect(url).await?;
                // Scans of this connection would be counted with those of the engine.
                let settings = "SET search_path = workflow_engine; SET enable_seqscan = off";
                sqlx::raw_sql(settings).execute(&mut connection).await?;
                Side::Postgres(connection)
            }
        })
    }
}

/// A connection that observes the measured store.
pub enum Side {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Side {
    /// Reads one number.
    pub async fn number(&mut self, sql: &str) -> Outcome<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query(sql).fetch_one(connection).await?.get(0),
            Self::Postgres(connection) => sqlx::query(sql).fetch_one(connection).await?.get(0),
        })
    }

    /// Reads one text per row.
    pub async fn texts(&mut self, sql: &str) -> Outcome<Vec<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Sqlite(connection) => {
                sqlx::query(sql).fetch_all(connection).await?.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(connection) => {
                sqlx::query(sql).fetch_all(connection).await?.iter().map(|row| row.get(0)).collect()
            }
        })
    }

    /// Reads one text.
    pub async fn text(&mut self, sql: &str) -> Outcome<String> {
        self.texts(sql).await?.pop().ok_or_else(|| format!("no row: {sql}").into())
    }

    /// Executes statements.
    pub async fn execute(&mut self, sql: &str) -> Outcome<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(|_| ())?,
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(connection).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Returns the number of runs that have not finished.
    pub async fn unfinished(&mut self) -> Outcome<i64> {
        self.number("SELECT count(*) FROM workflow_runs WHERE completed_at IS NULL").await
    }

    /// Returns the number of completed runs. Uses an index, because scans are counted.
    pub async fn completed(&mut self) -> Outcome<i64> {
        let sql =
            "SELECT count(*) FROM workflow_runs WHERE completed_at IS NOT NULL AND status = 'COMPLETED'";
        self.number(sql).await
    }
}
