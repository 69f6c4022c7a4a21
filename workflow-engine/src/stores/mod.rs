//! The stores: one in memory, one on an embedded SQLite file, one on a PostgreSQL server.
//!
//! They share everything but storage: a transaction loads the rows that its decisions name into a working set, applies
//! the decisions there, and writes back what changed.

mod pending_notifications;
mod apply;
mod calls;
mod candidates;
mod deliveries;
mod footprint;
mod instant;
mod memory;
#[cfg(feature = "ai")]
mod memory_ledger;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod fair_order;
mod working_set;

pub use memory::{MemoryStore, RecordedStatements};
#[cfg(feature = "ai")]
pub use memory_ledger::MemoryLedger;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStatistics, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStatistics, SqliteStore, Synchronous};

/// Why a call to a store that has been closed fails.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;
