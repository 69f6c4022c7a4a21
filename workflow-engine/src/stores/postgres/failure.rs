//! Errors of the database, told apart by what can be done about them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// What went wrong in a transaction. Everybody whose work was part of it may have to be told, hence the clones.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    doing: String,
    cause: Cause,
    source: Arc<dyn StdError + Send + Sync>,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The connection is gone, or cannot be had.
    Away,
    /// The connection was lost, or given up, in the middle of a commit: it may have gone through.
    Unknown,
    /// Another transaction was in the way: the same one may go through now.
    Collided,
    /// The database is too busy.
    Busy,
    /// A statement of the user's was refused: their fault alone.
    Refused,
    /// Another try will not mend it.
    Lasting,
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

/// A transaction that took longer than it may.
#[derive(Debug, thiserror::Error)]
#[error("it took too long")]
struct TookTooLong;

/// What was to be taken, others have taken.
#[derive(Debug, thiserror::Error)]
#[error("others were faster")]
struct Overtaken;

impl Failure {
    /// The database answered with an error.
    pub(super) fn database(doing: impl Into<String>, error: sqlx::Error) -> Self {
        Self { doing: doing.into(), cause: cause_of(&error), source: Arc::new(error) }
    }

    /// The server went away, says a test.
    #[cfg(feature = "failpoints")]
    pub(super) fn injected(doing: impl Into<String>) -> Self {
        Self::database(doing, sqlx::Error::Io(std::io::Error::other("a failpoint")))
    }

    /// The database answered with an error to a statement of the user's, or to the commit that these were part of.
    pub(super) fn statement(which: impl Into<String>, error: sqlx::Error) -> Self {
        let cause = match cause_of(&error) {
            // Of the same kind, but they are about the user's own rows: a key that is taken, a lock or a time limit.
            Cause::Collided if !has_code(&error, &["40001", "40P01"]) => Cause::Refused,
            Cause::Busy if has_code(&error, &["55P03", "57014"]) => Cause::Refused,
            Cause::Lasting => Cause::Refused,
            cause => cause,
        };
        Self { doing: which.into(), cause, source: Arc::new(error) }
    }

    /// Something that another try will not mend.
    pub(super) fn lasting(doing: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { doing: doing.into(), cause: Cause::Lasting, source: Arc::new(source) }
    }

    /// A transaction took longer than it may, and its connection is given up.
    pub(super) fn took_too_long(doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), cause: Cause::Busy, source: Arc::new(TookTooLong) }
    }

    /// What was to be taken, others have taken since it was found: there may be more.
    pub(super) fn overtaken(doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), cause: Cause::Collided, source: Arc::new(Overtaken) }
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

    /// The connection is gone, or cannot be had, and nothing is written.
    pub(super) fn is_away(&self) -> bool {
        self.cause == Cause::Away
    }

    /// Nobody knows whether it was committed.
    pub(super) fn may_have_committed(&self) -> bool {
        self.cause == Cause::Unknown
    }

    /// The connection is of no use any more.
    pub(super) fn is_connection_lost(&self) -> bool {
        matches!(self.cause, Cause::Away | Cause::Unknown)
    }

    /// Another transaction was in the way, and nothing is written.
    pub(super) fn has_collided(&self) -> bool {
        self.cause == Cause::Collided
    }

    /// The fault lies with nobody's request.
    pub(super) fn is_nobodys(&self) -> bool {
        matches!(self.cause, Cause::Away | Cause::Unknown | Cause::Busy)
    }

    /// As it is where the commit had been asked for: nobody knows whether it was made.
    pub(super) fn in_the_commit(mut self) -> Self {
        if matches!(self.cause, Cause::Away | Cause::Busy) {
            self.cause = Cause::Unknown;
            self.doing = format!("{}, and it is not known whether it was", self.doing);
        }
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.cause {
            Cause::Refused => Self::statement_refused(&failure.doing, failure.source),
            Cause::Lasting => Self::store_failed(&failure.doing, failure.source),
            _ => Self::store_unavailable(&failure.doing, failure.source),
        }
    }
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&&*code))
}

/// By PostgreSQL's [error codes](https://www.postgresql.org/docs/current/errcodes-appendix.html).
fn cause_of(error: &sqlx::Error) -> Cause {
    let Some(database) = error.as_database_error() else {
        return match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // The server closed the connection in the middle of an answer.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Cause::Away,
            _ => Cause::Lasting,
        };
    };
    let code = database.code().unwrap_or_default();
    match &*code {
        // A unique key that somebody else has just inserted, serialization failure, deadlock.
        "23505" | "40001" | "40P01" => Cause::Collided,
        // Lock not available, statement cancelled by its timeout, a server that runs out of something.
        "55P03" | "57014" | "53100" | "53200" | "53400" => Cause::Busy,
        // Too many connections, idle in a transaction for too long, read-only after a failover.
        "53300" | "25P03" | "25006" => Cause::Away,
        // Connection exceptions; shutdown, crash, and not started yet.
        code if code.starts_with("08") || code.starts_with("57P") => Cause::Away,
        _ => Cause::Lasting,
    }
}
