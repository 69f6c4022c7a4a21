//! Runs that a program enqueues in a transaction of its own.

use crate::value::RunId;

/// A request for a run that a program has stored in a transaction of its own, beside its own rows. A worker creates the
/// run after that transaction has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnqueuedRun {
    /// The id of the run to be created.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The idempotency key. An enqueued run that is read has none here: the command has it.
    pub idempotency_key: Option<String>,
    /// The hash of the request, where there is a key.
    pub request_hash: Option<String>,
    /// The command `run.create` as JSON, without its name.
    pub command: String,
}

/// Where a program's transaction stores an [`EnqueuedRun`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnqueueTarget {
    /// Tables of a SQLite file whose names begin with this prefix.
    Sqlite {
        /// The prefix, a plain identifier.
        prefix: String,
    },
    /// Tables and functions of this schema of a PostgreSQL database.
    Postgres {
        /// The schema, a plain identifier.
        schema: String,
    },
}
