//! The cells that the engine counts in: relaxed atomic additions, no lock, no allocation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::distribution::{Bucket, Distribution};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The upper bounds of the buckets for runs, stages and waits, in microseconds: 5 ms to 7 days.
pub(crate) const WORK: [u64; 16] = [
    5_000,
    25_000,
    100_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    14_400_000_000,
    86_400_000_000,
    604_800_000_000,
];

/// The upper bounds of the buckets for commits, in microseconds: 0.25 ms to 10 s.
pub(crate) const COMMITS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// Durations, counted in buckets with fixed bounds.
#[derive(Debug)]
pub(crate) struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    buckets: [AtomicU64; N],
    /// Those above the last bound.
    above: AtomicU64,
    /// In microseconds: enough for 500,000 years.
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    pub(crate) fn new(bounds: &'static [u64; N]) -> Self {
        let buckets = std::array::from_fn(|_| AtomicU64::new(0));
        Self { bounds, buckets, above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    pub(crate) fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.bounds.iter().position(|bound| micros <= *bound);
        bucket.map_or(&self.above, |index| &self.buckets[index]).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// Returns the buckets as Prometheus counts them: each one with all that are smaller.
    pub(crate) fn snapshot(&self) -> Distribution {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(N);
        for (bound, cell) in self.bounds.iter().zip(&self.buckets) {
            count += cell.load(Ordering::Relaxed);
            buckets.push(Bucket { up_to: seconds(*bound), count });
        }
        count += self.above.load(Ordering::Relaxed);
        Distribution { buckets, count, sum: seconds(self.sum.load(Ordering::Relaxed)) }
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}
