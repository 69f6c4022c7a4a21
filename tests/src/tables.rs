//! A database with tables of the user's own beside the engine's.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use tempfile::TempDir;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::stores::{PostgresStore, SqliteStore};

use crate::postgres::{self, Schema};

/// An SQLite file, or a schema on PostgreSQL.
pub enum Tables {
    /// Gone with the folder.
    Sqlite(TempDir),
    /// Gone with the schema.
    Postgres(Schema),
}

impl Tables {
    /// An SQLite file of its own.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A schema of its own; `None` where there is no PostgreSQL, and `test` is skipped.
    pub fn postgres(test: &str) -> Option<Self> {
        postgres::is_available(test).then(|| Self::Postgres(Schema::new()))
    }

    /// What names it to another process: a path, or a URL and a schema.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::Sqlite(folder) => vec![path(folder)],
            Self::Postgres(schema) => vec![schema.url().to_owned(), schema.name().to_owned()],
        }
    }

    /// A store on it, as another process would open it.
    pub async fn store(&self) -> Arc<dyn Store> {
        open(&self.arguments()).await
    }

    /// An engine over a store of its own.
    pub async fn engine(&self) -> EngineBuilder {
        EngineBuilder::with_store(self.store().await, Arc::new(SystemClock))
    }

    /// The full name of a table.
    pub fn name(&self, table: &str) -> String {
        match self {
            Self::Sqlite(_) => table.to_owned(),
            Self::Postgres(schema) => format!("{}.{table}", schema.name()),
        }
    }

    /// Makes tables, or fills them.
    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(folder) => {
                let mut connection =
                    SqliteConnection::connect(&path(folder)).await.expect("the file is there");
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("it is right");
                connection.close().await.expect("it was open");
            }
            Self::Postgres(schema) => {
                let mut connection: PgConnection = schema.connect().await;
                sqlx::raw_sql(sql).execute(&mut connection).await.expect("it is right");
                connection.close().await.expect("it was open");
            }
        }
    }

    /// The one column of texts that a query answers.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(folder) => {
                let mut connection =
                    SqliteConnection::connect(&path(folder)).await.expect("the file is there");
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("it is right");
                connection.close().await.expect("it was open");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(schema) => {
                let mut connection = schema.connect().await;
                let rows = sqlx::query(sql).fetch_all(&mut connection).await.expect("it is right");
                connection.close().await.expect("it was open");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

/// The store that [`Tables::arguments`] name.
pub async fn open(arguments: &[String]) -> Arc<dyn Store> {
    match arguments {
        [url, schema] => {
            let mut options = workflow_engine::stores::PostgresOptions::new(url);
            options.schema.clone_from(schema);
            Arc::new(PostgresStore::open(options).await.expect("the server is there"))
        }
        [path] => Arc::new(SqliteStore::open(path).await.expect("a file")),
        other => panic!("a path, or a URL and a schema, and not {other:?}"),
    }
}

fn path(folder: &TempDir) -> String {
    folder.path().join("tables.db").to_str().expect("a temporary path is text").to_owned()
}

/// Makes each named `async fn(Tables)` a test on every store that has tables.
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
