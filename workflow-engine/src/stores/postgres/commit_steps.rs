//! By how much transactions move the `commits` of their runs.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Draws the steps. A step is random because a server that comes back with an older state, after a failover for
/// example, could otherwise reach a cached number by other commits.
#[derive(Debug, Default)]
pub(super) struct CommitSteps {
    drawn: AtomicU64,
    random: RandomState,
}

impl CommitSteps {
    /// Draws the step of a transaction, which is at least 1.
    pub(super) fn draw(&self) -> i64 {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let random = u32::try_from(self.random.hash_one(number) >> 33).unwrap_or(0);
        1 + i64::from(random)
    }
}
