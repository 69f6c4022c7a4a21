//! `retention.purge`: deletes old terminal runs with all their rows.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::Purge;
use crate::value::RunId;

/// Deletes runs that ended long ago: stages, events, logs, idempotency keys, blobs, artifacts, deliveries. A request
/// that reuses a deleted key creates a new run.
///
/// A run with events that wait for delivery to the sink or to a plugin is kept until they are delivered or become dead
/// letters. Its dead letters are deleted with it, so replay those that you still need before.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeRuns {
    /// Only runs that ended at least this long ago.
    #[serde(rename = "older_than_ms", with = "crate::value::milliseconds")]
    pub older_than: Duration,
    /// At most this many runs. Default in JSON: 100.
    #[serde(default = "hundred", alias = "max")]
    pub limit: usize,
    /// Also deletes runs with events that wait for delivery: for a sink or a plugin that was removed for good.
    #[serde(default)]
    pub include_undelivered: bool,
}

fn hundred() -> usize {
    100
}

impl PurgeRuns {
    /// Creates a command that deletes at most 100 runs that ended at least this long ago.
    #[must_use]
    pub const fn older_than(older_than: Duration) -> Self {
        Self { older_than, limit: 100, include_undelivered: false }
    }

    /// Sets the most runs to delete.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Also deletes runs with events that wait for delivery.
    #[must_use]
    pub const fn include_undelivered(mut self) -> Self {
        self.include_undelivered = true;
        self
    }
}

/// The deleted runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PurgeRunsOutput {
    /// The runs.
    pub runs: Vec<RunId>,
}

/// The number of runs in one transaction, so that none holds its locks for long.
const BATCH: usize = 20;

#[async_trait]
impl Command for PurgeRuns {
    type Output = PurgeRunsOutput;
    const NAME: &'static str = "retention.purge";

    async fn execute(self, kernel: &Kernel) -> Result<PurgeRunsOutput, Error> {
        let mut runs = Vec::new();
        while runs.len() < self.limit {
            let limit = BATCH.min(self.limit - runs.len());
            let purge = Purge {
                older_than: self.older_than,
                include_undelivered: self.include_undelivered,
                external_blobs: kernel.config().blobs.is_some(),
                limit,
                only: None,
            };
            let purged = kernel.store().purge_runs(&purge).await?;
            let was_last = purged.len() < limit;
            runs.extend(purged);
            delete_external_blobs(kernel).await?;
            if was_last {
                break;
            }
        }
        Ok(PurgeRunsOutput { runs })
    }
}

/// Deletes the blobs of purged runs, also those that an earlier purge did not reach. A blob is deleted after its run, and
/// the store remembers the run until then: a rerun could miss a blob that was deleted before its run.
pub(super) async fn delete_external_blobs(kernel: &Kernel) -> Result<(), Error> {
    let Some(blobs) = &kernel.config().blobs else { return Ok(()) };
    loop {
        let runs = kernel.store().purged_runs(BATCH).await?;
        if runs.is_empty() {
            return Ok(());
        }
        for run_id in &runs {
            for key in blobs.list(&run_id.to_string()).await? {
                blobs.delete(&key).await?;
            }
        }
        kernel.store().forget_purged(runs).await?;
    }
}
