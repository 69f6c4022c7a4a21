//! The stores: one in memory, one on an embedded SQLite file, one on a PostgreSQL server.
//!
//! They differ in storage and share everything else. A write transaction takes these steps in every store:
//!
//! 1. `footprint` names the rows that its decisions read.
//! 2. The store loads them into a `working_set`: rows in memory, each with a note whether it is stored and whether it has
//!    changed.
//! 3. `apply` checks the precondition of each decision and writes its changes to the working set. It defines once what
//!    every [`Change`](crate::ports::Change) means.
//! 4. The store writes the changed rows back and commits.
//! 5. `pending_notifications` sends the hints, after the commit.
//!
//! Both SQL stores take these steps in `commit`, which also decides which requests share a transaction and what follows a
//! failure; `rows` lists the columns of each record once for both. `sqlite` and `postgres` have files of the same names
//! for the same roles, with what their SQL and their locks differ in.
//!
//! A claim joins such a transaction. The store finds the first entries of each definition, `fair_order` sorts them, and
//! `candidates` turns the selected ones into decisions. `implicit` are the stages that have no rows. `deliveries` defines what settling a delivery means, `calls` holds
//! the rows of the ledger, `event_columns` the events of a commit as columns, and `instant` the instants that a row can
//! hold. `run_search` lists runs, in slices. `sql_texts` fills the names into
//! statements of SQL, `migration` names what a schema lacks, and `refusal` tells why a statement of the user is refused.

mod footprint;
mod working_set;
mod apply;
mod pending_notifications;
mod fair_order;
mod candidates;
mod deliveries;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod delivery_requests;
mod calls;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod implicit;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod event_columns;
mod instant;
mod run_times;
mod run_search;
mod queue_counts;
mod cost_hours;
mod signal_waits;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod workers;
pub(crate) mod location;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod commit;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rows;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql_texts;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migration;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod refusal;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod program_transaction;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "ai")]
mod memory_ledger;

pub use memory::{MemoryStore, RecordedStatements};
#[cfg(feature = "ai")]
pub use memory_ledger::MemoryLedger;
#[cfg(feature = "postgres")]
pub use postgres::{PgPool, PostgresOptions, PostgresStatistics, PostgresStore};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use program_transaction::ProgramTransaction;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStatistics, SqliteStore, Synchronous};

/// The error of a call to a closed store.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;
