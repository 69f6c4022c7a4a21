//! The connection that writes, and what it has done so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Sqlite, SqliteConnection};

use super::failure::Failure;
use super::json_rows::JsonRows;

/// What a store has done to its file since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteStatistics {
    /// Write transactions.
    pub transactions: u64,
    /// Statements in them, `BEGIN` and `COMMIT` not counted.
    pub statements: u64,
    /// Decisions, claims and other requests that they carried.
    pub requests: u64,
    /// Looks for what other processes have committed. They write nothing, and are not among the transactions and
    /// statements.
    pub looks: u64,
}

/// The counts behind [`SqliteStatistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) transactions: AtomicU64,
    pub(super) statements: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) looks: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> SqliteStatistics {
        SqliteStatistics {
            transactions: self.transactions.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            looks: self.looks.load(Ordering::Relaxed),
        }
    }
}

/// The connection that writes.
pub(super) struct Session {
    pub(super) connection: SqliteConnection,
    pub(super) counters: Arc<Counters>,
}

impl Session {
    /// Reads all rows of a statement.
    pub(super) async fn fetch(
        &mut self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        self.counters.statements.fetch_add(1, Ordering::Relaxed);
        query.fetch_all(&mut self.connection).await.map_err(|error| Failure::database(doing, error))
    }

    /// Runs a statement.
    pub(super) async fn execute(
        &mut self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<(), Failure> {
        self.counters.statements.fetch_add(1, Ordering::Relaxed);
        query.execute(&mut self.connection).await.map_err(|error| Failure::database(doing, error))?;
        Ok(())
    }

    /// Runs a statement of the user's.
    pub(super) async fn execute_given(
        &mut self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<(), sqlx::Error> {
        self.counters.statements.fetch_add(1, Ordering::Relaxed);
        query.execute(&mut self.connection).await.map(drop)
    }

    /// Runs a statement over rows, unless there are none.
    pub(super) async fn write(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        rows: JsonRows,
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        self.execute(doing, sqlx::query(sql).bind(rows.finish())).await
    }

    /// Begins a write transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        self.lock().await
    }

    /// Takes the write lock at once: a transaction that began as a reader could not wait for another writer.
    pub(super) async fn lock(&mut self) -> Result<(), Failure> {
        self.control("begin a transaction", "BEGIN IMMEDIATE").await
    }

    /// Reads the rows of a statement that is no part of what is to be written.
    pub(super) async fn look(
        &mut self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        self.counters.looks.fetch_add(1, Ordering::Relaxed);
        query.fetch_all(&mut self.connection).await.map_err(|error| Failure::database(doing, error))
    }

    /// Commits.
    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        self.control("commit", "COMMIT").await
    }

    /// Commits what statements of the user's are part of: a constraint that they have deferred is looked at now.
    pub(super) async fn commit_given(&mut self) -> Result<(), Failure> {
        let committed = sqlx::query("COMMIT").execute(&mut self.connection).await;
        committed.map(drop).map_err(|error| Failure::statement("the commit of its statements", error))
    }

    /// Rolls back. It fails only where SQLite has done so by itself.
    pub(super) async fn roll_back(&mut self) {
        if let Err(failure) = self.control("roll back", "ROLLBACK").await {
            tracing::debug!(?failure, "nothing was left to roll back");
        }
    }

    async fn control(&mut self, doing: &'static str, sql: &'static str) -> Result<(), Failure> {
        sqlx::query(sql)
            .execute(&mut self.connection)
            .await
            .map_err(|error| Failure::database(doing, error))?;
        Ok(())
    }
}
