//! Failures of a transaction, by what the caller can do about them.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, descriptors};
use crate::stores::commit::CommitFailure;
use crate::stores::refusal::Refusal;

/// The descriptors that a connection needs. Some may be free again when SQLite has failed to open one.
const PROBED: usize = 3;

/// A failure of a transaction. It is cloned for every request of the transaction.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    doing: String,
    cause: Cause,
    source: Arc<dyn StdError + Send + Sync>,
}

/// The causes, by what the caller can do about them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    /// The database is unavailable now, and may be available later.
    Unavailable,
    /// Another connection holds a lock.
    Busy,
    /// The process has no free file descriptor.
    NoDescriptors,
    /// This name no longer leads to the file that the process has open.
    FileChanged(PathBuf),
    /// The database refused one of the user's statements.
    StatementRefused(Refusal),
    /// The schema is older than this version, and must not be migrated.
    SchemaOutdated,
    /// A retry would fail as well.
    Permanent,
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
        let cause = match error.code().map(|code| code & 0xff) {
            Some(BUSY | LOCKED) => Cause::Busy,
            // SQLite says only that it cannot open a file.
            Some(CANNOT_OPEN) if descriptors::shortage(PROBED).is_some() => Cause::NoDescriptors,
            Some(IO_ERROR | FULL | CANNOT_OPEN) => Cause::Unavailable,
            _ if error.is_unavailable() => Cause::Unavailable,
            _ => Cause::Permanent,
        };
        Self { cause, ..Self::lasting(doing, error) }
    }

    /// Creates the failure for an error of a user's statement, or of the commit of such statements; `conflict` is for an
    /// error that is the violation of a constraint. The statements are to blame unless the database is busy or
    /// unavailable.
    pub(super) fn statement(which: impl Into<String>, error: impl DatabaseError, conflict: Refusal) -> Self {
        let is_conflict = error.code().is_some_and(|code| code & 0xff == CONSTRAINT);
        let mut failure = Self::database(which, error);
        if failure.cause == Cause::Permanent {
            failure.cause = Cause::StatementRefused(if is_conflict { conflict } else { Refusal::FAILED });
        }
        failure
    }

    /// Creates the failure for a statement of the user whose expectation is not met.
    pub(super) fn unmet(
        which: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
        refusal: Refusal,
    ) -> Self {
        Self { cause: Cause::StatementRefused(refusal), ..Self::lasting(which, source) }
    }

    /// Creates the failure of a database that a test has made unavailable.
    #[cfg(feature = "failpoints")]
    pub(super) fn injected(doing: impl Into<String>) -> Self {
        Self::database(doing, sqlx::Error::Io(std::io::Error::other("a failpoint")))
    }

    /// Creates a failure that a retry does not remedy.
    pub(super) fn lasting(doing: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { doing: doing.into(), cause: Cause::Permanent, source: Arc::new(source) }
    }

    /// Creates the failure for a schema that must not be migrated.
    pub(super) fn schema_outdated(
        doing: impl Into<String>,
        missing: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { cause: Cause::SchemaOutdated, ..Self::lasting(doing, missing) }
    }

    /// Creates the failure for a name that no longer leads to the file that this process has open.
    pub(super) fn file_changed(path: &Path, change: impl StdError + Send + Sync + 'static) -> Self {
        Self { cause: Cause::FileChanged(path.to_owned()), ..Self::lasting("commit", change) }
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
        self.cause == Cause::Busy
    }

    /// Adds what a request has waited for.
    pub(super) fn after_wait(mut self, path: &Path, waited: Duration) -> Self {
        if self.is_busy() {
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

impl CommitFailure for Failure {
    /// The database was busy, unavailable or not in its place.
    fn is_database_fault(&self) -> bool {
        !matches!(self.cause, Cause::StatementRefused(_) | Cause::SchemaOutdated | Cause::Permanent)
    }

    fn is_disconnected(&self) -> bool {
        false
    }

    fn is_conflict(&self) -> bool {
        false
    }

    fn of_lost_claim() -> Option<Self> {
        None
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let Failure { doing, cause, source } = failure;
        match cause {
            Cause::Unavailable => Self::store_unavailable(&doing, source),
            Cause::Busy => Self::store_locked(&doing, source),
            Cause::NoDescriptors => Self::descriptors_exhausted(&doing, source),
            Cause::FileChanged(path) => Self::store_file_replaced(&path, source),
            Cause::StatementRefused(refusal) => refusal.into_error(&doing, source),
            Cause::SchemaOutdated => Self::schema_outdated(&doing, source),
            Cause::Permanent => Self::store_failed(&doing, source),
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
