//! One measurement, in this process.

use crate::line::Line;
use crate::place::Kind;
use crate::{Outcome, engine};

/// How many runs a work has, where nothing else is said.
pub fn runs_of(work: &str) -> u64 {
    match work {
        "w1" => 2_000,
        "w2" => 200,
        _ => 500,
    }
}

/// Measures `work`, done by `who`, on this store.
pub async fn one(who: &str, work: &str, kind: Kind) -> Outcome<Line> {
    match (who, work) {
        ("engine", "w1") => engine::diamonds(kind).await,
        ("engine", "w2") => engine::latency(kind).await,
        ("engine", "w3") => engine::chains(kind).await,
        _ => Err(format!("nothing is known of {work} by {who}").into()),
    }
}
