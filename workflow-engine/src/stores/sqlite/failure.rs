//! Errors of the database, told apart by what can be done about them.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;

/// What went wrong in a transaction. Everybody whose work was part of it may have to be told, hence the clones.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    doing: String,
    transient: bool,
    busy: bool,
    refused: bool,
    source: Arc<dyn StdError + Send + Sync>,
}

/// A row that holds what it should not.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} of run {run}: {source}")]
struct Unreadable {
    table: &'static str,
    column: &'static str,
    run: String,
    source: Box<dyn StdError + Send + Sync>,
}

impl Failure {
    /// The database answered with an error.
    pub(super) fn database(doing: impl Into<String>, error: impl DatabaseError) -> Self {
        let code = error.code().map(|code| code & 0xff);
        let busy = matches!(code, Some(BUSY | LOCKED));
        let may_pass = matches!(code, Some(BUSY | LOCKED | IO_ERROR | FULL | CANNOT_OPEN));
        Self {
            doing: doing.into(),
            transient: may_pass || error.is_away(),
            busy,
            refused: false,
            source: Arc::new(error),
        }
    }

    /// The database answered with an error to a statement of the user's, or to the commit that these were part of:
    /// their fault, unless the database is busy or away.
    pub(super) fn statement(which: impl Into<String>, error: impl DatabaseError) -> Self {
        let failure = Self::database(which, error);
        Self { refused: !failure.transient, ..failure }
    }

    /// The database went away, says a test.
    #[cfg(feature = "failpoints")]
    pub(super) fn injected(doing: impl Into<String>) -> Self {
        Self::database(doing, sqlx::Error::Io(std::io::Error::other("a failpoint")))
    }

    /// Something that another try will not mend.
    pub(super) fn lasting(doing: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { doing: doing.into(), transient: false, busy: false, refused: false, source: Arc::new(source) }
    }

    /// A row cannot be read back.
    pub(super) fn unreadable(
        table: &'static str,
        column: &'static str,
        run: impl fmt::Display,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let unreadable = Unreadable { table, column, run: run.to_string(), source: source.into() };
        Self::lasting("read back what was stored", unreadable)
    }

    /// Whether the database was busy or away, so that the fault lies with nobody's request.
    pub(super) fn is_transient(&self) -> bool {
        self.transient
    }

    /// Whether somebody else holds a lock.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Names the file that it is about.
    pub(super) fn about(mut self, path: &Path) -> Self {
        self.doing = format!("{} `{}`", self.doing, path.display());
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        if failure.refused {
            Self::statement_refused(&failure.doing, failure.source)
        } else if failure.transient {
            Self::store_unavailable(&failure.doing, failure.source)
        } else {
            Self::store_failed(&failure.doing, failure.source)
        }
    }
}

/// SQLite's primary [result codes](https://www.sqlite.org/rescode.html) of what may pass.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IO_ERROR: i32 = 10;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

/// An error of one of the two libraries that call SQLite: one reads, the other writes.
pub(super) trait DatabaseError: StdError + Send + Sync + 'static {
    /// SQLite's extended code, which holds the primary one in its lowest byte.
    fn code(&self) -> Option<i32>;

    /// Whether SQLite could not be asked, while it may be later.
    fn is_away(&self) -> bool;
}

impl DatabaseError for sqlx::Error {
    fn code(&self) -> Option<i32> {
        self.as_database_error()?.code()?.parse().ok()
    }

    fn is_away(&self) -> bool {
        matches!(self, Self::Io(_) | Self::PoolTimedOut | Self::PoolClosed | Self::WorkerCrashed)
    }
}

impl DatabaseError for rusqlite::Error {
    fn code(&self) -> Option<i32> {
        self.sqlite_error().map(|error| error.extended_code)
    }

    fn is_away(&self) -> bool {
        false
    }
}
