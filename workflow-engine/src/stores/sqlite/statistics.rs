//! What a store has done to its file.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a store has done to its file since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteStatistics {
    /// Write transactions.
    pub transactions: u64,
    /// Statements in them, `BEGIN` and `COMMIT` not counted. One that is run for each of several rows counts once.
    pub statements: u64,
    /// Decisions, claims and other requests that they carried.
    pub requests: u64,
    /// Looks for what other processes have committed, outside of transactions. They write nothing, and are not among
    /// the transactions and statements.
    pub looks: u64,
}

/// The counts behind [`SqliteStatistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) transactions: AtomicU64,
    pub(super) statements: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) looks: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> SqliteStatistics {
        SqliteStatistics {
            transactions: self.transactions.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            looks: self.looks.load(Ordering::Relaxed),
        }
    }
}
