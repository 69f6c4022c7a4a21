//! Shared code of the benchmarks: workflows with trivial bodies, a temporary server, and statistics.

// A benchmark measures wall-clock time.
#![allow(clippy::disallowed_methods)]
// Figures are rounded for display.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

pub mod workflows;
pub mod hundred;
pub mod server;

/// Returns the percentile `p` (0.0 to 1.0) of the sorted samples, by nearest rank.
///
/// # Panics
/// Panics if there are no samples.
#[must_use]
pub fn percentile<T: Copy>(sorted: &[T], p: f64) -> T {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}
