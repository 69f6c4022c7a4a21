//! `plugin.replayDLQ`: returns dead letters to delivery.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::DeadLetterFilter;
use crate::value::RunId;

/// Returns dead letters to delivery, the oldest of each plugin first, with all their retries. Events that were blocked
/// behind them follow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayDeadLetters {
    /// Only those of this plugin; `None` for all.
    #[serde(default)]
    pub plugin: Option<String>,
    /// Only those of this run.
    #[serde(default, alias = "runId", alias = "workflowRunId")]
    pub run_id: Option<RunId>,
    /// Only those of the event with this sequence number; it needs `run_id`.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// At most this many. Default in JSON: 100.
    #[serde(default = "hundred", alias = "max_events", alias = "maxEvents")]
    pub limit: usize,
}

impl ReplayDeadLetters {
    /// Creates a command for these dead letters, at most `limit`.
    #[must_use]
    pub fn new(letters: DeadLetterFilter, limit: usize) -> Self {
        let DeadLetterFilter { plugin, run_id, sequence } = letters;
        Self { plugin, run_id, sequence, limit }
    }
}

fn hundred() -> usize {
    100
}

/// The dead letters that were returned to delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplayDeadLettersOutput {
    /// The number of dead letters.
    pub replayed: usize,
}

#[async_trait]
impl Command for ReplayDeadLetters {
    type Output = ReplayDeadLettersOutput;
    const NAME: &'static str = "plugin.replayDLQ";

    async fn execute(self, kernel: &Kernel) -> Result<ReplayDeadLettersOutput, Error> {
        let Self { plugin, run_id, sequence, limit } = self;
        if sequence.is_some() && run_id.is_none() {
            return Err(Error::invalid_request("`sequence` needs `run_id`: each run numbers its own events"));
        }
        let letters = DeadLetterFilter { plugin, run_id, sequence };
        let replayed = kernel.store().replay_dead_letters(&letters, limit).await?;
        Ok(ReplayDeadLettersOutput { replayed })
    }
}
