//! One transaction on one connection.

use std::io::ErrorKind::BrokenPipe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::arrays::PgQuery;
use super::connection::StoreConnection;
use super::database::Database;
use super::failure::Failure;
use super::options::user_settings;
use crate::stores::refusal::Refusal;

/// How much longer than the server's own timeouts the store waits for a transaction before it drops the connection.
pub(super) const TIMEOUT_GRACE: Duration = Duration::from_secs(5);

const COMMIT_OF_STATEMENTS: &str = "the commit of its statements";

/// A transaction, or a connection on which one may begin.
pub(super) struct Transaction {
    pub(super) database: Arc<Database>,
    connection: StoreConnection,
    /// Whether `BEGIN` was sent.
    is_open: bool,
}

impl Transaction {
    pub(super) fn new(database: Arc<Database>, connection: StoreConnection) -> Self {
        Self { database, connection, is_open: false }
    }

    /// Returns whether `BEGIN` was sent, and neither `COMMIT` nor `ROLLBACK`.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns the connection, which is in no transaction, to the store.
    pub(super) fn release(self) {
        self.database.release(self.connection);
    }

    /// Returns a statement, to which its arguments are to be bound.
    pub(super) fn query<'q>(&self, text: &'static str) -> PgQuery<'q> {
        self.database.query(text)
    }

    /// Fetches all rows of a statement.
    pub(super) async fn fetch(
        &mut self,
        action: &'static str,
        query: PgQuery<'_>,
    ) -> Result<Vec<PgRow>, Failure> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        self.fetch_uncounted(action, query).await
    }

    /// Fetches all rows of a statement that belongs to no write transaction, and so is not counted as one of it.
    pub(super) async fn fetch_uncounted(
        &mut self,
        action: &'static str,
        query: PgQuery<'_>,
    ) -> Result<Vec<PgRow>, Failure> {
        query.fetch_all(&mut *self.connection).await.map_err(|error| Failure::database(action, error))
    }

    /// Executes a statement.
    pub(super) async fn execute(&mut self, action: &'static str, query: PgQuery<'_>) -> Result<(), Failure> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        query.execute(&mut *self.connection).await.map_err(|error| Failure::database(action, error))?;
        Ok(())
    }

    /// Fetches the only row of a statement. The statement may be its own transaction; then a failure that may have
    /// come after the commit is reported as a commit with an unknown outcome.
    pub(super) async fn fetch_one(
        &mut self,
        action: &'static str,
        query: PgQuery<'_>,
    ) -> Result<PgRow, Failure> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        let commits_itself = !self.is_open;
        let mut rows = query.fetch(&mut *self.connection);
        let mut result = None;
        loop {
            match rows.try_next().await {
                Ok(Some(row)) => result = Some(row),
                Ok(None) => break,
                Err(error) => {
                    // The server responds in order: an error before the row means that the statement did not finish.
                    // And a message that could not be sent completely commits nothing.
                    let is_refused = error.as_database_error().is_some() && result.is_none();
                    let is_unsent = matches!(&error, sqlx::Error::Io(error) if error.kind() == BrokenPipe);
                    let failure = Failure::database(action, error);
                    let wrote_nothing = is_refused || is_unsent || !commits_itself;
                    return Err(if wrote_nothing { failure } else { failure.during_commit() });
                }
            }
        }
        result.ok_or_else(|| Failure::database(action, sqlx::Error::RowNotFound))
    }

    /// Executes one of the user's statements; returns how many rows it has changed.
    pub(super) async fn execute_user_statement(&mut self, query: PgQuery<'_>) -> Result<u64, sqlx::Error> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    /// Prepares the open transaction for statements of the user, each of which waits this long for a lock.
    pub(super) async fn begin_user_statements(&mut self, lock_timeout: Duration) -> Result<(), Failure> {
        let settings = user_settings(lock_timeout);
        self.control("prepare for statements", AssertSqlSafe(settings).into_sql_str()).await
    }

    /// Checks the constraints that the user's statements have deferred, and returns to the engine's settings. Checked
    /// at the commit, they could wait for locks while the transaction holds the engine's.
    pub(super) async fn end_user_statements(&mut self, conflict: Refusal) -> Result<(), Failure> {
        let settings = self.database.statements.restore.clone();
        let ended = sqlx::raw_sql(settings).execute(&mut *self.connection).await;
        ended.map(drop).map_err(|error| Failure::statement(COMMIT_OF_STATEMENTS, error, conflict))
    }

    /// Begins the transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.is_open = true;
        self.control("begin a transaction", self.database.sessions.mode().begin.clone()).await
    }

    /// Begins the transaction, with further settings.
    pub(super) async fn begin_with(&mut self, settings: &str) -> Result<(), Failure> {
        self.is_open = true;
        let begin = format!("{}{settings}", self.database.sessions.mode().begin.as_str());
        self.control("begin a transaction", AssertSqlSafe(begin).into_sql_str()).await
    }

    /// Commits the transaction.
    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        let committed = self.control("commit", SqlStr::from_static("COMMIT")).await;
        committed.map_err(Failure::during_commit)?;
        self.is_open = false;
        Ok(())
    }

    /// Commits a transaction with statements of the user. What the server checks only now, for example in a deferred
    /// trigger, is their failure.
    pub(super) async fn commit_user_statements(&mut self, conflict: Refusal) -> Result<(), Failure> {
        let committed = sqlx::raw_sql("COMMIT").execute(&mut *self.connection).await;
        let failure = |error| Failure::statement(COMMIT_OF_STATEMENTS, error, conflict).during_commit();
        committed.map_err(failure)?;
        self.is_open = false;
        Ok(())
    }

    /// Rolls back.
    pub(super) async fn roll_back(&mut self) -> Result<(), Failure> {
        if self.is_open {
            self.control("roll back", SqlStr::from_static("ROLLBACK")).await?;
            self.is_open = false;
        }
        Ok(())
    }

    /// Ends the transaction after a failure. The connection is kept if it can be used again.
    pub(super) async fn end_after(mut self, failure: &Failure) {
        if failure.may_have_committed() {
            // Leases may have begun of which no worker receives the claim.
            self.database.hints.everything_changed();
        }
        if failure.is_connection_lost() {
            self.database.note_lost(failure);
        } else if self.roll_back().await.is_ok() {
            self.release();
        }
    }

    async fn control(&mut self, action: &'static str, sql: SqlStr) -> Result<(), Failure> {
        sqlx::raw_sql(sql)
            .execute(&mut *self.connection)
            .await
            .map_err(|error| Failure::database(action, error))?;
        Ok(())
    }
}
