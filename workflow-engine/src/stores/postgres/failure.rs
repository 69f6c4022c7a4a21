//! Errors of the database, classified by how the store can react to them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::stores::commit::CommitFailure;
use crate::stores::refusal::Refusal;

/// The failure of a transaction. It can be cloned, because every request in the transaction fails with it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// An infinitive: "cannot …".
    action: String,
    cause: Cause,
    source: Arc<dyn StdError + Send + Sync>,
}

/// The causes, by how the store can react.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The connection was lost before anything was written, or cannot be opened.
    Disconnected,
    /// The connection was lost or dropped during a commit, which may have succeeded.
    UnknownOutcome,
    /// Another client has used the session of the connection, as behind a pooler. Nothing is written.
    SessionShared,
    /// Another transaction was in the way; the same transaction may succeed now.
    Conflict,
    /// The database is overloaded.
    Overloaded,
    /// One of the user's statements waited for a lock of another session, for too long or in a deadlock.
    StatementBlocked,
    /// The server refused one of the user's statements.
    StatementRefused(Refusal),
    /// The role may not do it.
    MissingPrivilege,
    /// The database's encoding has no such character.
    Unencodable,
    /// The schema is older than this version, and must not be migrated.
    SchemaOutdated,
    /// A retry would fail as well.
    Permanent,
}

/// A right that the role of a store lacks.
#[derive(Debug, thiserror::Error)]
#[error(
    "the role `{role}` {what}; an owner has to run `{command}`, or to open the store once as a role that may"
)]
pub(super) struct MissingPrivilege {
    pub(super) role: String,
    pub(super) what: String,
    pub(super) command: String,
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

/// A transaction that exceeded its time limit.
#[derive(Debug, thiserror::Error)]
#[error("it timed out")]
struct TimedOut;

/// Other transactions have taken the rows that this one was about to take.
#[derive(Debug, thiserror::Error)]
#[error("other transactions were faster")]
struct LostRace;

impl Failure {
    /// The database returned an error.
    pub(super) fn database(action: impl Into<String>, error: sqlx::Error) -> Self {
        Self { action: action.into(), cause: cause_of(&error), source: Arc::new(error) }
    }

    /// A test simulates that the connection is lost.
    #[cfg(feature = "failpoints")]
    pub(super) fn injected(action: impl Into<String>) -> Self {
        Self::database(action, sqlx::Error::Io(std::io::Error::other("a failpoint")))
    }

    /// The database returned an error for one of the user's statements, or for the commit of a transaction with some.
    /// `conflict` is for an error that is the violation of a constraint.
    pub(super) fn statement(which: impl Into<String>, error: sqlx::Error, conflict: Refusal) -> Self {
        let is_conflict = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        // The class of integrity constraint violations.
        let is_conflict = is_conflict.is_some_and(|code| code.starts_with("23"));
        let refusal = if is_conflict { conflict } else { Refusal::FAILED };
        let cause = match cause_of(&error) {
            _ if has_code(&error, &["55P03", "40P01"]) => Cause::StatementBlocked,
            // These concern the user's own rows: a duplicate key or a time limit.
            Cause::Conflict if !has_code(&error, &["40001"]) => Cause::StatementRefused(refusal),
            Cause::Overloaded if has_code(&error, &["57014"]) => Cause::StatementRefused(refusal),
            Cause::Permanent | Cause::MissingPrivilege | Cause::Unencodable => {
                Cause::StatementRefused(refusal)
            }
            cause => cause,
        };
        Self { action: which.into(), cause, source: Arc::new(error) }
    }

    /// A statement of the user whose expectation is not met.
    pub(super) fn unmet(
        which: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
        refusal: Refusal,
    ) -> Self {
        Self { action: which.into(), cause: Cause::StatementRefused(refusal), source: Arc::new(source) }
    }

    /// A failure that a retry would meet again.
    pub(super) fn permanent(
        action: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { action: action.into(), cause: Cause::Permanent, source: Arc::new(source) }
    }

    /// The schema is older than this version, and must not be migrated.
    pub(super) fn schema_outdated(
        action: impl Into<String>,
        missing: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { action: action.into(), cause: Cause::SchemaOutdated, source: Arc::new(missing) }
    }

    /// The role of the store lacks a right.
    pub(super) fn missing_privilege(action: impl Into<String>, missing: MissingPrivilege) -> Self {
        Self { action: action.into(), cause: Cause::MissingPrivilege, source: Arc::new(missing) }
    }

    /// A transaction exceeded its time limit, and its connection is dropped.
    pub(super) fn timed_out(action: impl Into<String>) -> Self {
        Self { action: action.into(), cause: Cause::Overloaded, source: Arc::new(TimedOut) }
    }

    /// Other transactions have taken all rows since they were found; a retry may find more.
    pub(super) fn lost_race(action: impl Into<String>) -> Self {
        Self { action: action.into(), cause: Cause::Conflict, source: Arc::new(LostRace) }
    }

    /// A stored row cannot be read.
    pub(super) fn unreadable(
        table: &'static str,
        column: &'static str,
        run: impl fmt::Display,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let unreadable = Unreadable { table, column, run: run.to_string(), source: source.into() };
        Self::permanent("read a stored row", unreadable)
    }

    /// Returns how it shows that the session of a connection is shared.
    pub(super) fn shared_session(&self) -> Option<String> {
        (self.cause == Cause::SessionShared).then(|| self.source.to_string())
    }

    /// Returns whether the transaction may have committed.
    pub(super) fn may_have_committed(&self) -> bool {
        self.cause == Cause::UnknownOutcome
    }

    /// Returns whether the connection can no longer be used.
    pub(super) fn is_connection_lost(&self) -> bool {
        matches!(self.cause, Cause::Disconnected | Cause::SessionShared | Cause::UnknownOutcome)
    }

    /// Returns whether a statement of the user waited for a lock of another session.
    pub(super) fn is_statement_blocked(&self) -> bool {
        self.cause == Cause::StatementBlocked
    }

    /// Returns whether the server refused a connection because it, or the role, has too many.
    pub(super) fn is_server_full(&self) -> bool {
        self.source.downcast_ref::<sqlx::Error>().is_some_and(|error| has_code(error, &["53300"]))
    }

    /// Returns the error of a statement that has waited for locks for as long as it may.
    pub(super) fn waited_too_long(self, waited: Duration) -> Error {
        Error::statement_blocked(&self.action, waited, self.source)
    }

    /// Returns the failure as a conflict, where a lock was not available in time: its holders end, and a retry gets it.
    pub(super) fn into_conflict_if_locked(mut self) -> Self {
        if self.cause == Cause::Overloaded {
            self.cause = Cause::Conflict;
        }
        self
    }

    /// Returns the failure as it is after the commit was sent: the outcome may be unknown.
    pub(super) fn during_commit(mut self) -> Self {
        if matches!(self.cause, Cause::Disconnected | Cause::Overloaded) {
            self.cause = Cause::UnknownOutcome;
            self.action = format!("{} (the outcome is unknown)", self.action);
        }
        self
    }
}

impl CommitFailure for Failure {
    fn is_database_fault(&self) -> bool {
        matches!(
            self.cause,
            Cause::Disconnected | Cause::SessionShared | Cause::UnknownOutcome | Cause::Overloaded
        )
    }

    /// The connection was lost, cannot be used any more or could not be opened.
    fn is_disconnected(&self) -> bool {
        matches!(self.cause, Cause::Disconnected | Cause::SessionShared)
    }

    fn is_conflict(&self) -> bool {
        self.cause == Cause::Conflict
    }

    fn of_lost_claim() -> Option<Self> {
        Some(Self::lost_race("claim jobs"))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.cause {
            Cause::StatementRefused(refusal) => refusal.into_error(&failure.action, failure.source),
            Cause::MissingPrivilege => Self::missing_privilege(&failure.action, failure.source),
            Cause::Unencodable => Self::text_not_encodable(&failure.action, failure.source),
            Cause::SchemaOutdated => Self::schema_outdated(&failure.action, failure.source),
            Cause::Permanent => Self::store_failed(&failure.action, failure.source),
            _ => Self::store_unavailable(&failure.action, failure.source),
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
            // The server closed the connection in the middle of a response.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Cause::Disconnected,
            _ => Cause::Permanent,
        };
    };
    let code = database.code().unwrap_or_default();
    match &*code {
        // A prepared statement that exists already, or does not exist: another client has used the session.
        "42P05" | "26000" => Cause::SessionShared,
        // Insufficient privilege; a character that the database's encoding cannot hold.
        "42501" => Cause::MissingPrivilege,
        "22P05" => Cause::Unencodable,
        // A pooler refuses the settings that a connection asks for when it begins.
        "08P01" if database.message().contains("startup parameter") => Cause::SessionShared,
        // A unique key that another transaction has just inserted; serialization failure; deadlock.
        "23505" | "40001" | "40P01" => Cause::Conflict,
        // Lock not available; statement cancelled by its timeout; insufficient disk space or memory, a configured
        // limit.
        "55P03" | "57014" | "53100" | "53200" | "53400" => Cause::Overloaded,
        // Too many connections; idle in a transaction for too long; read-only after a failover.
        "53300" | "25P03" | "25006" => Cause::Disconnected,
        // Connection exceptions; shutdown, crash, or still starting.
        code if code.starts_with("08") || code.starts_with("57P") => Cause::Disconnected,
        _ => Cause::Permanent,
    }
}
