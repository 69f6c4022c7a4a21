//! Limits that options take from the configuration.
#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]
#![allow(clippy::unused_async)]

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

/// Limits of a service.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// The first delay.
    pub initial: Option<String>,
    /// The attempts.
    pub attempts: Option<u64>,
}

/// Every place and type of a limit.
#[stage(
    timeout = config.limit,
    retry(max_attempts = config.limits.attempts, initial = config.limits.initial, max = config.r#max),
    check = ready,
    poll_every = config.every,
    give_up_after = config.patience
)]
pub async fn submit(
    url: String,
    #[config(flatten)] limits: Limits,
    #[config] limit: Option<Duration>,
    #[config(default = "1h".to_owned())] max: String,
    #[config(default = Duration::from_secs(5))] every: Duration,
    #[config] patience: Option<String>,
) -> StageResult<String> {
    let _ = (limits, limit, max, every, patience);
    Ok(url)
}

/// The check.
#[check]
pub async fn ready(url: &String) -> StageResult<Check<usize>> {
    Ok(Check::Ready(url.len()))
}

workflow! {
    /// The workflow.
    pub Submitting = submit
}

pub fn main() {}
