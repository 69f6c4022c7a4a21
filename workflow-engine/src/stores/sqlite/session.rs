//! The connection that writes. It is called on the writer's own thread: from a statement to its answer there is no
//! other thread, so a row costs what SQLite takes for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{CachedStatement, Connection, Row};

use super::arguments::Arguments;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::own_row::OwnRow;
use super::statistics::Counters;

/// The connection that writes.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) counters: Arc<Counters>,
}

/// A statement that is run for each of some rows, prepared with the first of them.
pub(super) struct Each<'s> {
    session: &'s Session,
    doing: &'static str,
    sql: &'static str,
    statement: Option<CachedStatement<'s>>,
}

impl Session {
    /// Reads all rows of a statement.
    pub(super) fn fetch(
        &self,
        doing: &'static str,
        sql: &'static str,
        bind: impl FnOnce(&mut Arguments<'_, '_>),
    ) -> Result<Vec<OwnRow>, Failure> {
        let mut rows = Vec::new();
        self.each(doing, sql).read(bind, |row| {
            rows.push(OwnRow::copy(row).map_err(|error| Failure::database(doing, error))?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Runs a statement.
    pub(super) fn execute(
        &self,
        doing: &'static str,
        sql: &'static str,
        bind: impl FnOnce(&mut Arguments<'_, '_>),
    ) -> Result<(), Failure> {
        self.each(doing, sql).run(bind)
    }

    /// A statement to be run for each of some rows.
    pub(super) fn each(&self, doing: &'static str, sql: &'static str) -> Each<'_> {
        Each { session: self, doing, sql, statement: None }
    }

    /// Runs a statement over rows, unless there are none.
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

    /// Takes the write lock at once: a transaction that began as a reader could not wait for another writer.
    pub(super) fn lock(&self) -> Result<(), Failure> {
        self.control("BEGIN IMMEDIATE").map_err(|error| Failure::database("begin a transaction", error))
    }

    /// The value of `PRAGMA data_version`, which changes when another connection commits; and only then, as far as the
    /// connection knows, which reads it anew when it begins a transaction.
    pub(super) fn data_version(&self) -> Result<i64, Failure> {
        let read = |row: &Row<'_>| row.get(0);
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], read));
        version.map_err(|error| Failure::database("look for commits of other processes", error))
    }

    /// Commits.
    pub(super) fn commit(&self) -> Result<(), Failure> {
        self.control("COMMIT").map_err(|error| Failure::database("commit", error))
    }

    /// Commits what statements of the user's are part of: a constraint that they have deferred is looked at now.
    pub(super) fn commit_given(&self) -> Result<(), Failure> {
        let failed = |error| Failure::statement("the commit of its statements", error);
        self.control("COMMIT").map_err(failed)
    }

    /// Rolls back. It fails only where SQLite has done so by itself.
    pub(super) fn roll_back(&self) {
        if let Err(error) = self.control("ROLLBACK") {
            tracing::debug!(%error, "nothing was left to roll back");
        }
    }

    fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.raw_execute().map(drop)
    }
}

impl<'s> Each<'s> {
    /// Runs it for one row.
    pub(super) fn run(&mut self, bind: impl FnOnce(&mut Arguments<'_, '_>)) -> Result<(), Failure> {
        let doing = self.doing;
        self.bind(bind)?.raw_execute().map(drop).map_err(|error| Failure::database(doing, error))
    }

    /// Runs it for one row of arguments, and reads each row of its answer.
    pub(super) fn read(
        &mut self,
        bind: impl FnOnce(&mut Arguments<'_, '_>),
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

    fn bind(
        &mut self,
        bind: impl FnOnce(&mut Arguments<'_, '_>),
    ) -> Result<&mut CachedStatement<'s>, Failure> {
        let failed = |error| Failure::database(self.doing, error);
        let statement = match &mut self.statement {
            Some(statement) => statement,
            none => {
                self.session.counters.statements.fetch_add(1, Ordering::Relaxed);
                none.insert(self.session.connection.prepare_cached(self.sql).map_err(failed)?)
            }
        };
        let mut arguments = Arguments::new(statement);
        bind(&mut arguments);
        arguments.outcome().map_err(failed)?;
        Ok(statement)
    }
}
