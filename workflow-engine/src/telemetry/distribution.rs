//! How durations are distributed.

use serde::Serialize;

/// Durations in seconds, counted in buckets with fixed bounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Distribution {
    /// The buckets, by ascending bound. Each counts all durations up to its bound, also those of the buckets before.
    pub buckets: Vec<Bucket>,
    /// The number of all durations, also of those above the last bound.
    pub count: u64,
    /// Their sum in seconds.
    pub sum: f64,
}

/// A bucket of a [`Distribution`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Bucket {
    /// The bound in seconds, inclusive.
    pub up_to: f64,
    /// The number of durations up to the bound.
    pub count: u64,
}

impl Distribution {
    /// Adds the numbers of another distribution with the same bounds, or takes them over where this one is empty.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
        } else {
            let both = self.buckets.iter_mut().zip(&other.buckets);
            both.for_each(|(own, other)| own.count += other.count);
        }
        self.count += other.count;
        self.sum += other.sum;
    }
}
