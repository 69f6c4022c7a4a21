//! One transaction on one connection.

use std::io::ErrorKind::BrokenPipe;
use std::sync::atomic::Ordering;

use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, SqlStr};

use super::arrays::PgQuery;
use super::database::Database;
use super::failure::Failure;
use super::statements::Statements;
use super::user_statements::USUAL_PLANS;

/// A transaction, or the connection for one.
pub(super) struct Transaction<'a> {
    pub(super) database: &'a Database,
    connection: &'a mut PgConnection,
    /// It has been begun.
    is_open: bool,
    /// Statements of the user's have run in it.
    has_given: bool,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(database: &'a Database, connection: &'a mut PgConnection) -> Self {
        Self { database, connection, is_open: false, has_given: false }
    }

    /// A statement.
    pub(super) fn query<'q>(&self, pick: impl FnOnce(&Statements) -> &SqlStr) -> PgQuery<'q> {
        self.database.query(pick)
    }

    /// Reads all rows of a statement.
    pub(super) async fn fetch(
        &mut self,
        doing: &'static str,
        query: PgQuery<'_>,
    ) -> Result<Vec<PgRow>, Failure> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        self.fetch_alone(doing, query).await
    }

    /// As `fetch`, of a statement that is no part of a write transaction.
    pub(super) async fn fetch_alone(
        &mut self,
        doing: &'static str,
        query: PgQuery<'_>,
    ) -> Result<Vec<PgRow>, Failure> {
        query.fetch_all(&mut *self.connection).await.map_err(|error| Failure::database(doing, error))
    }

    /// Runs a statement.
    pub(super) async fn execute(&mut self, doing: &'static str, query: PgQuery<'_>) -> Result<(), Failure> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        query.execute(&mut *self.connection).await.map_err(|error| Failure::database(doing, error))?;
        Ok(())
    }

    /// Runs a statement that answers one row. It may be a transaction of its own: then a failure of which nobody can
    /// tell whether it came before the commit is told as such.
    pub(super) async fn fetch_one(
        &mut self,
        doing: &'static str,
        query: PgQuery<'_>,
    ) -> Result<PgRow, Failure> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        let is_alone = !self.is_open;
        let mut rows = query.fetch(&mut *self.connection);
        let mut answer = None;
        loop {
            match rows.try_next().await {
                Ok(Some(row)) => answer = Some(row),
                Ok(None) => break,
                Err(error) => {
                    // The server answers in order: what it refuses before the row it has not come to the end of. And
                    // nothing of a message that could not be sent to its end is committed.
                    let is_refused = error.as_database_error().is_some() && answer.is_none();
                    let is_unsent = matches!(&error, sqlx::Error::Io(error) if error.kind() == BrokenPipe);
                    let failure = Failure::database(doing, error);
                    let is_told = is_refused || is_unsent || !is_alone;
                    return Err(if is_told { failure } else { failure.in_the_commit() });
                }
            }
        }
        answer.ok_or_else(|| Failure::database(doing, sqlx::Error::RowNotFound))
    }

    /// Runs a statement of the user's.
    pub(super) async fn execute_given(&mut self, query: PgQuery<'_>) -> Result<(), sqlx::Error> {
        self.database.counters.statements.fetch_add(1, Ordering::Relaxed);
        self.has_given = true;
        query.execute(&mut *self.connection).await.map(drop)
    }

    /// Has the rest of the transaction planned as usual.
    pub(super) async fn use_usual_plans(&mut self) -> Result<(), Failure> {
        self.control("prepare for statements", SqlStr::from_static(USUAL_PLANS)).await
    }

    /// Begins.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.is_open = true;
        self.control("begin a transaction", self.database.statements.begin.clone()).await
    }

    /// Commits.
    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        if !self.has_given {
            let committed = self.control("commit", SqlStr::from_static("COMMIT")).await;
            return committed.map_err(Failure::in_the_commit);
        }
        // A constraint that the user's statements have deferred is looked at now.
        let committed = sqlx::raw_sql("COMMIT").execute(&mut *self.connection).await;
        let failure = |error| Failure::statement("the commit of its statements", error).in_the_commit();
        committed.map(drop).map_err(failure)
    }

    /// Rolls back; answers whether the connection is of use afterwards.
    pub(super) async fn roll_back(&mut self) -> bool {
        self.control("roll back", SqlStr::from_static("ROLLBACK")).await.is_ok()
    }

    async fn control(&mut self, doing: &'static str, sql: SqlStr) -> Result<(), Failure> {
        sqlx::raw_sql(sql)
            .execute(&mut *self.connection)
            .await
            .map_err(|error| Failure::database(doing, error))?;
        Ok(())
    }
}
