//! Statistics of a store's work on its file.

use std::sync::atomic::{AtomicU64, Ordering};

/// The work of a store on its file since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteStatistics {
    /// The number of write transactions.
    pub transactions: u64,
    /// The number of statements in them, without `BEGIN` and `COMMIT`. A statement that runs for several rows counts once.
    pub statements: u64,
    /// The number of decisions, claims and other requests in them.
    pub requests: u64,
    /// The number of checks for commits of other processes outside of transactions. They write nothing, and do not count
    /// as transactions or statements.
    pub external_checks: u64,
}

/// The counts behind [`SqliteStatistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) transactions: AtomicU64,
    pub(super) statements: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) external_checks: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> SqliteStatistics {
        SqliteStatistics {
            transactions: self.transactions.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            external_checks: self.external_checks.load(Ordering::Relaxed),
        }
    }
}
