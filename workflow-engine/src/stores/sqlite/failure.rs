//! Failures of a transaction, by what the caller can do about them.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, descriptors};
use crate::stores::refusal::Refusal;

/// The descriptors that a connection needs. Some may be free again when SQLite has failed to open one.
const PROBED: usize = 3;

/// A failure of a transaction. It is cloned for every request of the transaction.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    doing: String,
    transient: bool,
    busy: bool,
    refusal: Option<Refusal>,
    /// Whether the process has no free file descriptor.
    exhausted: bool,
    /// The file that is no longer the one that this process has open.
    changed_file: Option<PathBuf>,
    source: Arc<dyn StdError + Send + Sync>,
}

/// A row with an invalid value.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} of run {run}: {source}")]
struct Unreadable {
    table: &'static str,
    column: &'static str,
    run: String,
    source: Box<dyn StdError + Send + Sync>,
}

impl Failure {
    /// Creates the failure for an error of the database.
    pub(super) fn database(doing: impl Into<String>, error: impl DatabaseError) -> Self {
        let code = error.code().map(|code| code & 0xff);
        let busy = matches!(code, Some(BUSY | LOCKED));
        let is_transient = matches!(code, Some(BUSY | LOCKED | IO_ERROR | FULL | CANNOT_OPEN));
        // SQLite says only that it cannot open a file.
        let exhausted = code == Some(CANNOT_OPEN) && descriptors::shortage(PROBED).is_some();
        Self {
            transient: is_transient || error.is_unavailable(),
            busy,
            exhausted,
            ..Self::lasting(doing, error)
        }
    }

    /// Creates the failure for an error of a user's statement, or of the commit of such statements; `conflict` is for an
    /// error that is the violation of a constraint. The statements are to blame unless the database is busy or
    /// unavailable.
    pub(super) fn statement(which: impl Into<String>, error: impl DatabaseError, conflict: Refusal) -> Self {
        let is_conflict = error.code().is_some_and(|code| code & 0xff == CONSTRAINT);
        let failure = Self::database(which, error);
        let refusal = if is_conflict { conflict } else { Refusal::FAILED };
        Self { refusal: (!failure.transient).then_some(refusal), ..failure }
    }

    /// Creates the failure for a statement of the user whose expectation is not met.
    pub(super) fn unmet(
        which: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
        refusal: Refusal,
    ) -> Self {
        Self { refusal: Some(refusal), ..Self::lasting(which, source) }
    }

    /// Creates the failure of a database that a test has made unavailable.
    #[cfg(feature = "failpoints")]
    pub(super) fn injected(doing: impl Into<String>) -> Self {
        Self::database(doing, sqlx::Error::Io(std::io::Error::other("a failpoint")))
    }

    /// Creates a failure that a retry does not remedy.
    pub(super) fn lasting(doing: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            doing: doing.into(),
            transient: false,
            busy: false,
            refusal: None,
            exhausted: false,
            changed_file: None,
            source: Arc::new(source),
        }
    }

    /// Creates the failure for a name that no longer leads to the file that this process has open.
    pub(super) fn file_changed(path: &Path, change: impl StdError + Send + Sync + 'static) -> Self {
        Self { changed_file: Some(path.to_owned()), ..Self::lasting("commit", change) }
    }

    /// Creates the failure for a row that cannot be read.
    pub(super) fn unreadable(
        table: &'static str,
        column: &'static str,
        run: impl fmt::Display,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let unreadable = Unreadable { table, column, run: run.to_string(), source: source.into() };
        Self::lasting("read a stored row", unreadable)
    }

    /// Returns whether another connection holds a lock.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Returns whether the database was busy, unavailable or not in its place, so that no request is to blame.
    pub(super) fn is_database_fault(&self) -> bool {
        self.transient || self.changed_file.is_some()
    }

    /// Adds what a request has waited for.
    pub(super) fn after_wait(mut self, path: &Path, waited: Duration) -> Self {
        if self.busy {
            self.doing = format!("begin a transaction on `{}` within {waited:?}", path.display());
        }
        self
    }

    /// Adds the name of the file.
    pub(super) fn about(mut self, path: &Path) -> Self {
        self.doing = format!("{} `{}`", self.doing, path.display());
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        if let Some(path) = &failure.changed_file {
            Self::store_file_replaced(path, failure.source)
        } else if let Some(refusal) = failure.refusal {
            refusal.into_error(&failure.doing, failure.source)
        } else if failure.exhausted {
            Self::descriptors_exhausted(&failure.doing, failure.source)
        } else if failure.busy {
            Self::store_locked(&failure.doing, failure.source)
        } else if failure.transient {
            Self::store_unavailable(&failure.doing, failure.source)
        } else {
            Self::store_failed(&failure.doing, failure.source)
        }
    }
}

/// SQLite's primary [result codes](https://www.sqlite.org/rescode.html) of transient failures.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IO_ERROR: i32 = 10;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

/// SQLite's primary code of a violated constraint.
const CONSTRAINT: i32 = 19;

/// An error of one of the two libraries that call SQLite: sqlx reads, rusqlite writes.
pub(super) trait DatabaseError: StdError + Send + Sync + 'static {
    /// Returns SQLite's extended code. Its lowest byte is the primary code.
    fn code(&self) -> Option<i32>;

    /// Returns whether SQLite is unavailable now and may be available later.
    fn is_unavailable(&self) -> bool;
}

impl DatabaseError for sqlx::Error {
    fn code(&self) -> Option<i32> {
        self.as_database_error()?.code()?.parse().ok()
    }

    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Io(_) | Self::PoolTimedOut | Self::PoolClosed | Self::WorkerCrashed)
    }
}

impl DatabaseError for rusqlite::Error {
    fn code(&self) -> Option<i32> {
        self.sqlite_error().map(|error| error.extended_code)
    }

    fn is_unavailable(&self) -> bool {
        false
    }
}
