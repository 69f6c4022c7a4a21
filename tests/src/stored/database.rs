//! A connection of a test to the database of a store, beside the store.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::postgres::Schema;

/// How long a statement waits for the lock of an SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection.
pub enum Database {
    /// To an SQLite file.
    Sqlite(SqliteConnection),
    /// To a server, with the store's schema on the search path.
    Postgres(PgConnection),
}

/// The type of a column in the tables, which decides how its text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// A text, a number, or a boolean.
    Plain,
    /// An instant, read as microseconds since 1970.
    Instant,
}

impl Database {
    /// Opens an SQLite file.
    pub async fn sqlite(path: &str) -> Self {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT);
        Self::Sqlite(options.connect().await.expect("the file exists"))
    }

    /// Opens a schema of a server.
    pub async fn postgres(url: &str, schema: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.expect("the server is running");
        let path = AssertSqlSafe(format!("SET search_path = {schema}"));
        sqlx::raw_sql(path).execute(&mut connection).await.expect("the schema exists");
        Self::Postgres(connection)
    }

    /// Opens the schema of a test.
    pub async fn of(schema: &Schema) -> Self {
        Self::postgres(schema.url(), schema.name()).await
    }

    /// Opens a path, or a URL and a schema.
    pub async fn open(url: &str, schema: Option<&str>) -> Self {
        match schema {
            None => Self::sqlite(url).await,
            Some(schema) => Self::postgres(url, schema).await,
        }
    }

    /// Begins a transaction whose reads all see one state.
    pub async fn begin_read(&mut self) {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        self.run(begin).await;
    }

    /// Runs statements.
    pub async fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(db) => sql.execute(db).await.map(|_| ()),
            Self::Postgres(db) => sql.execute(db).await.map(|_| ()),
        }
        .expect("the SQL is valid");
    }

    /// Returns the first column of a result, which is a text.
    pub async fn column(&mut self, sql: &str) -> Vec<String> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(db) => {
                let rows = sql.fetch_all(db).await.expect("the SQL is valid");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(db) => {
                let rows = sql.fetch_all(db).await.expect("the SQL is valid");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Returns the expression that reads an instant as microseconds.
    pub fn micros(&self, instant: &str) -> String {
        match self {
            Self::Sqlite(_) => instant.to_owned(),
            Self::Postgres(_) => format!("CAST(extract(epoch FROM {instant}) * 1000000 AS bigint)"),
        }
    }

    /// Reads these columns of all rows of a table.
    pub async fn table<T: DeserializeOwned>(&mut self, table: &str, columns: &[(&str, Column)]) -> Vec<T> {
        let expression = |(name, column): &(&str, Column)| match column {
            Column::Plain => (*name).to_owned(),
            Column::Instant => self.micros(name),
        };
        let sql = match self {
            Self::Sqlite(_) => {
                let pairs: Vec<_> =
                    columns.iter().map(|column| format!("'{}', {}", column.0, expression(column))).collect();
                format!("SELECT json_object({}) FROM {table}", pairs.join(", "))
            }
            Self::Postgres(_) => {
                let named: Vec<_> =
                    columns.iter().map(|column| format!("{} AS {}", expression(column), column.0)).collect();
                format!("SELECT row_to_json(t)::text FROM (SELECT {} FROM {table}) AS t", named.join(", "))
            }
        };
        let rows = self.column(&sql).await;
        let is_encoded = matches!(self, Self::Postgres(_));
        let row = |row: &String| {
            let mut row: Value = serde_json::from_str(row).expect("a row of this table");
            for text in row.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if let Value::String(text) = text
                    && is_encoded
                {
                    *text = decoded(text);
                }
            }
            serde_json::from_value(row).expect("a row of this table")
        };
        rows.iter().map(row).collect()
    }

    /// Closes the connection.
    pub async fn close(self) {
        let closed = match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(db) => db.close().await,
        };
        closed.expect("the connection is open");
    }
}

/// Returns the text that is stored on PostgreSQL, whose own texts cannot hold U+0000: it is U+001A and `0` there, and U+001A
/// is there twice.
fn decoded(stored: &str) -> String {
    let mut characters = stored.chars();
    let mut text = String::with_capacity(stored.len());
    while let Some(character) = characters.next() {
        text.push(match character {
            '\u{1a}' if characters.next() == Some('0') => '\0',
            character => character,
        });
    }
    text
}
