//! What the benchmarks share: a diamond of trivial bodies, and statistics.

// A benchmark measures the wall clock; that is its purpose.
#![allow(clippy::disallowed_methods)]
// Figures are rounded when they are shown.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::time::Duration;

use workflow_engine::prelude::*;

/// Begins.
#[stage]
pub async fn first(number: u64) -> StageResult<u64> {
    Ok(number)
}

/// Goes left.
#[stage]
pub async fn left(number: u64) -> StageResult<u64> {
    Ok(number + 1)
}

/// Goes right.
#[stage]
pub async fn right(number: u64) -> StageResult<u64> {
    Ok(number + 2)
}

/// Joins.
#[stage]
pub async fn last(left: u64, right: u64) -> StageResult<u64> {
    Ok(left + right)
}

workflow! {
    /// `first >> [left, right] >> last`.
    pub diamond = first >> [left, right] >> last
}

/// The value below which the share `p` (0.0 to 1.0) of the sorted samples lies, by nearest rank.
#[must_use]
pub fn percentile(sorted: &[Duration], p: f64) -> Duration {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}
