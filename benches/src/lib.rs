//! What the benchmarks share: workflows of trivial bodies, a throwaway server, and statistics.

// A benchmark measures the wall clock; that is its purpose.
#![allow(clippy::disallowed_methods)]
// Figures are rounded when they are shown.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

pub mod workflows;
pub mod hundred;
pub mod server;

/// The value below which the share `p` (0.0 to 1.0) of the sorted samples lies, by nearest rank.
///
/// # Panics
/// Where there are no samples.
#[must_use]
pub fn percentile<T: Copy>(sorted: &[T], p: f64) -> T {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}
