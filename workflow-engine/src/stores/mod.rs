//! The stores: one in memory, one on an embedded SQLite file.
//!
//! Both run their write transactions one after another and share everything but storage: a transaction loads the
//! rows that its decisions name into a working set, applies the decisions there, and writes back what changed.

mod announcement;
mod apply;
mod claiming;
mod footprint;
mod instant;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod working_set;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStatistics, SqliteStore, Synchronous};

/// Why a call to a store that has been closed fails.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;
