//! How long the stages of a workflow take.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::Status;

/// How long the stages of a workflow take, and how often they fail, in its newest runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StageTimes {
    /// The workflow's id.
    pub workflow_id: String,
    /// The number of runs: at most 1,000.
    pub runs: u64,
    /// The instant of the creation of the oldest of them.
    pub since: Option<DateTime<Utc>>,
    /// The stages that have ended in these runs, by id.
    pub stages: Vec<StageTime>,
}

/// How long a stage takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StageTime {
    /// The stage's id.
    pub stage_id: String,
    /// The number of runs in which it has completed.
    pub completed: u64,
    /// The number of runs in which it has failed.
    pub failed: u64,
    /// The number of runs in which it needed more than one attempt.
    pub retried: u64,
    /// The median time from the start of its last attempt to its completion, in milliseconds. Of a stage that waits, with
    /// its wait. `None` if it has not completed.
    pub p50_ms: Option<u64>,
    /// The time within which 95 of 100 have completed, in milliseconds.
    pub p95_ms: Option<u64>,
}

/// The end of a stage in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageEnd {
    /// The stage's id.
    pub stage_id: String,
    /// `COMPLETED` or `FAILED`.
    pub status: Status,
    /// The number of attempts.
    pub attempt: u32,
    /// The instant at which the last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the stage ended.
    pub completed_at: Option<DateTime<Utc>>,
}

impl StageTimes {
    /// Sums up the ends of the stages of these runs.
    pub(crate) fn of(
        workflow_id: String,
        runs: u64,
        since: Option<DateTime<Utc>>,
        ends: Vec<StageEnd>,
    ) -> Self {
        let mut by_stage: BTreeMap<String, (StageTime, Vec<u64>)> = BTreeMap::new();
        for StageEnd { stage_id, status, attempt, started_at, completed_at } in ends {
            let (time, durations) = by_stage.entry(stage_id).or_insert_with_key(|stage_id| {
                let stage_id = stage_id.clone();
                let none =
                    StageTime { stage_id, completed: 0, failed: 0, retried: 0, p50_ms: None, p95_ms: None };
                (none, Vec::new())
            });
            time.retried += u64::from(attempt > 1);
            if status == Status::Failed {
                time.failed += 1;
                continue;
            }
            time.completed += 1;
            if let (Some(started_at), Some(completed_at)) = (started_at, completed_at) {
                durations
                    .push(u64::try_from((completed_at - started_at).num_milliseconds()).unwrap_or_default());
            }
        }
        let stages = by_stage.into_values().map(|(time, mut durations)| {
            durations.sort_unstable();
            StageTime { p50_ms: percentile(&durations, 50), p95_ms: percentile(&durations, 95), ..time }
        });
        Self { workflow_id, runs, since, stages: stages.collect() }
    }
}

/// Returns the smallest value that is not exceeded by this part, in percent, of the sorted values.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.saturating_sub(1)).copied()
}
