//! `plugin.replayDLQ`: returns dead letters to delivery.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;

/// Returns dead letters to delivery, the oldest of each plugin first, with all their retries. Events that were blocked
/// behind them follow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayDeadLetters {
    /// Only those of this plugin; `None` for all.
    #[serde(default)]
    pub plugin: Option<String>,
    /// At most this many. Default in JSON: 100.
    #[serde(default = "hundred", alias = "max_events", alias = "maxEvents")]
    pub limit: usize,
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
        let replayed = kernel.store().replay_dead_letters(self.plugin.as_deref(), self.limit).await?;
        Ok(ReplayDeadLettersOutput { replayed })
    }
}
