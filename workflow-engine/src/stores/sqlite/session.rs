//! The session: the connection that writes.
//!
//! The writer's thread calls SQLite itself, through rusqlite. No other thread takes part in a statement, so a row costs
//! only SQLite's own work. The connections that only read, and migrations, use sqlx.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{CachedStatement, Connection, Row};

use super::arguments::Arguments;
use super::cells::OwnedRow;
use super::failure::Failure;
use super::json_rows::JsonRows;

use super::statistics::Counters;
use crate::ports::Decision;
use crate::stores::footprint::user_statements;
use crate::stores::refusal::Refusal;
use crate::stores::rows::{RowList, WriteColumns};
use crate::stores::sql_texts::SqlTexts;

/// The connection that writes, with the counters of its work.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) texts: Arc<SqlTexts>,
    pub(super) counters: Arc<Counters>,
}

/// A statement that runs once for each of some rows. The first row prepares it.
pub(super) struct PreparedStatement<'s> {
    session: &'s Session,
    doing: &'static str,
    sql: &'static str,
    statement: Option<CachedStatement<'s>>,
}

impl Session {
    /// Runs a statement and returns its rows.
    pub(super) fn fetch(
        &self,
        doing: &'static str,
        sql: &'static str,
        bind: impl FnOnce(&mut Arguments<'_>),
    ) -> Result<Vec<OwnedRow>, Failure> {
        let mut rows = Vec::new();
        self.prepare(doing, sql).read(bind, |row| {
            rows.push(
                OwnedRow::copy(row).map_err(|error| Failure::unreadable("*", "*", "(unknown)", error))?,
            );
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs a statement.
    pub(super) fn execute(
        &self,
        doing: &'static str,
        sql: &'static str,
        bind: impl FnOnce(&mut Arguments<'_>),
    ) -> Result<(), Failure> {
        self.prepare(doing, sql).run(bind)
    }

    /// Returns a statement to run for each of some rows. It counts as one statement, and as none without rows.
    pub(super) fn prepare(&self, doing: &'static str, sql: &'static str) -> PreparedStatement<'_> {
        PreparedStatement { session: self, doing, sql, statement: None }
    }

    /// Runs a statement over `rows`, unless there are none.
    pub(super) fn write(
        &self,
        doing: &'static str,
        sql: &'static str,
        rows: JsonRows,
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        self.execute(doing, sql, |arguments| {
            arguments.text(&rows.finish());
        })
    }

    /// Begins a write transaction.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        self.lock()
    }

    /// Takes the write lock at once. A transaction that began as a reader could not wait for another writer.
    pub(super) fn lock(&self) -> Result<(), Failure> {
        self.control("BEGIN IMMEDIATE").map_err(|error| Failure::database("begin a transaction", error))
    }

    /// Returns the value of `PRAGMA data_version`, which changes when another connection commits, and only then. The
    /// connection reads it again when it begins a transaction.
    pub(super) fn data_version(&self) -> Result<i64, Failure> {
        let read = |row: &Row<'_>| row.get(0);
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], read));
        version.map_err(|error| Failure::database("check for commits of other processes", error))
    }

    /// Commits.
    pub(super) fn commit(&self) -> Result<(), Failure> {
        self.control("COMMIT").map_err(|error| Failure::database("commit", error))
    }

    /// Commits a transaction with statements of the user. A constraint that they have deferred is checked now, so it may
    /// be their failure.
    pub(super) fn commit_user_statements(&self, decision: &Decision) -> Result<(), Failure> {
        let conflict = Refusal::deferred_conflict(user_statements(decision).flatten());
        let failed = |error| Failure::statement("the commit of its statements", error, conflict);
        self.control("COMMIT").map_err(failed)
    }

    /// Rolls back. It fails only where SQLite has rolled back by itself.
    pub(super) fn roll_back(&self) {
        if let Err(error) = self.control("ROLLBACK") {
            tracing::debug!(%error, "nothing was left to roll back");
        }
    }

    fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.raw_execute().map(drop)
    }
}

impl<'s> PreparedStatement<'s> {
    /// Runs the statement for one row.
    pub(super) fn run(&mut self, bind: impl FnOnce(&mut Arguments<'_>)) -> Result<(), Failure> {
        let doing = self.doing;
        self.bind(bind)?.raw_execute().map(drop).map_err(|error| Failure::database(doing, error))
    }

    /// Runs the statement for one row of arguments, and passes each row of its result to `read`.
    pub(super) fn read(
        &mut self,
        bind: impl FnOnce(&mut Arguments<'_>),
        mut read: impl FnMut(&Row<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let doing = self.doing;
        let failed = |error| Failure::database(doing, error);
        let mut rows = self.bind(bind)?.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            read(row)?;
        }
        Ok(())
    }

    fn bind(&mut self, bind: impl FnOnce(&mut Arguments<'_>)) -> Result<&mut CachedStatement<'s>, Failure> {
        let failed = |error| Failure::database(self.doing, error);
        let statement = match &mut self.statement {
            Some(statement) => statement,
            none => {
                self.session.counters.statements.fetch_add(1, Ordering::Relaxed);
                let sql = self.session.texts.filled(self.sql);
                none.insert(self.session.connection.prepare_cached(sql.as_str()).map_err(failed)?)
            }
        };
        let mut arguments = Arguments::new(statement);
        bind(&mut arguments);
        arguments.outcome().map_err(failed)?;
        Ok(statement)
    }
}
