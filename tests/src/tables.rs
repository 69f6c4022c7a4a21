//! A database with user tables beside the engine's tables.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use tempfile::TempDir;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Clock, Store, SystemClock};
use workflow_engine::stores::{PostgresStore, SqliteOptions, SqliteStore};

use crate::postgres::{self, Schema};
use crate::stored::{self, Database};

/// An SQLite file, or a schema on PostgreSQL.
pub enum Tables {
    /// An SQLite file, which is deleted with the folder.
    Sqlite(TempDir),
    /// A PostgreSQL schema, which is dropped with this value.
    Postgres(Schema),
}

impl Tables {
    /// Makes a new SQLite file.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Makes a new PostgreSQL schema. Returns `None`, and reports `test` as skipped, when no server is available.
    pub fn postgres(test: &str) -> Option<Self> {
        postgres::is_available(test).then(|| Self::Postgres(Schema::new()))
    }

    /// Returns the arguments that name the database to another process: a path, or a URL and a schema.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Sqlite(folder) => vec![path(folder)],
            Self::Postgres(schema) => vec![schema.url().to_owned(), schema.name().to_owned()],
        }
    }

    /// Opens a store on the database, like another process would.
    pub async fn store(&self) -> Arc<dyn Store> {
        open(&self.arguments()).await
    }

    /// Opens a store on the database that takes all instants from this clock.
    pub async fn store_at(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(folder) => {
                let mut options = SqliteOptions::new(path(folder));
                options.clock = clock;
                Arc::new(SqliteStore::open(options).await.expect("a file"))
            }
            Self::Postgres(schema) => {
                let mut options = schema.options();
                options.clock = Some(clock);
                Arc::new(PostgresStore::open(options).await.expect("the server is available"))
            }
        }
    }

    /// Makes the builder of an engine with its own store.
    pub async fn engine(&self) -> EngineBuilder {
        EngineBuilder::with_store(self.store().await, Arc::new(SystemClock))
    }

    /// Returns the full name of a table.
    pub fn name(&self, table: &str) -> String {
        match self {
            Self::Sqlite(_) => table.to_owned(),
            Self::Postgres(schema) => format!("{}.{table}", schema.name()),
        }
    }

    /// Runs SQL that creates or fills tables.
    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(folder) => {
                let mut connection = SqliteConnection::connect(&path(folder)).await.expect("the file exists");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("the SQL is valid");
                connection.close().await.expect("the connection is open");
            }
            Self::Postgres(schema) => {
                let mut connection: PgConnection = schema.connect().await;
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("the SQL is valid");
                connection.close().await.expect("the connection is open");
            }
        }
    }

    /// Checks the invariants of the engine's rows.
    pub async fn check_rows(&self) {
        let mut database = match self {
            Self::Sqlite(folder) => Database::sqlite(&path(folder)).await,
            Self::Postgres(schema) => Database::of(schema).await,
        };
        stored::check(&mut database).await;
        database.close().await;
    }

    /// Returns the single text column of a query.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(folder) => {
                let mut connection = SqliteConnection::connect(&path(folder)).await.expect("the file exists");
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("the SQL is valid");
                connection.close().await.expect("the connection is open");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(schema) => {
                let mut connection = schema.connect().await;
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("the SQL is valid");
                connection.close().await.expect("the connection is open");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

/// Opens the store that [`Tables::arguments`] name.
pub async fn open(arguments: &[String]) -> Arc<dyn Store> {
    match arguments {
        [url, schema] => {
            let mut options = workflow_engine::stores::PostgresOptions::new(url);
            options.schema.clone_from(schema);
            Arc::new(PostgresStore::open(options).await.expect("the server is available"))
        }
        [path] => Arc::new(SqliteStore::open(path).await.expect("a file")),
        other => panic!("expected a path, or a URL and a schema, not {other:?}"),
    }
}

fn path(folder: &TempDir) -> String {
    folder.path().join("tables.db").to_str().expect("a temporary path is text").to_owned()
}

/// Runs each of the named `async fn(Tables)` as a test on every kind of store that has tables.
#[macro_export]
macro_rules! on_every_database {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::tables::Tables::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                if let Some(tables) = $crate::tables::Tables::postgres(test) {
                    super::$name(tables).await;
                }
            })+
        }
    };
}
