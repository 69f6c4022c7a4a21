//! Whether other processes claim the same work.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many claims take locks after an optimistic claim that lost to another process.
const LOCKING_CLAIMS: u32 = 64;

/// Counts the claims that are still to take locks.
///
/// An optimistic claim that comes second is wasted work, and where one process competes, the next claims would meet it,
/// too.
#[derive(Debug, Default)]
pub(super) struct Contention(AtomicU32);

impl Contention {
    /// Counts a claim; returns whether it has to take locks.
    pub(super) fn count_claim(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |claims| claims.checked_sub(1)).is_ok()
    }

    /// Notes that another process took work that an optimistic claim had found.
    pub(super) fn record(&self) {
        self.0.store(LOCKING_CLAIMS, Ordering::Relaxed);
    }
}
