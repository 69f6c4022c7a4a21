//! `costs.rollUp`: sums up calls of models by hour.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;

/// Adds calls of models to the sums of their hour, workflow, stage and model, each call once. The sums make
/// [`Engine::costs`](crate::Engine::costs) fast, and stay when the runs are deleted.
///
/// A worker does this at most hourly, and only after it has called a model; `Engine::costs` does it where many calls are
/// waiting for it. The deletion of a run adds its calls itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollUpCosts {
    /// At most this many calls. Default in JSON: 10,000.
    #[serde(default = "ten_thousand")]
    pub limit: usize,
}

fn ten_thousand() -> usize {
    10_000
}

impl Default for RollUpCosts {
    /// At most 10,000 calls.
    fn default() -> Self {
        Self { limit: ten_thousand() }
    }
}

/// The calls that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RollUpCostsOutput {
    /// The number of calls.
    pub calls: usize,
}

/// The calls in one transaction, so that none holds its locks for long.
const BATCH: usize = 500;

#[async_trait]
impl Command for RollUpCosts {
    type Output = RollUpCostsOutput;
    const NAME: &'static str = "costs.rollUp";

    async fn execute(self, kernel: &Kernel) -> Result<RollUpCostsOutput, Error> {
        let mut calls = 0;
        while calls < self.limit {
            let limit = BATCH.min(self.limit - calls);
            let added = kernel.store().roll_up_calls(limit).await?;
            calls += added;
            if added < limit {
                break;
            }
        }
        Ok(RollUpCostsOutput { calls })
    }
}
