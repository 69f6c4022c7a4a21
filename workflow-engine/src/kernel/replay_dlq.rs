//! `plugin.replayDLQ`: dead letters are offered again.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use crate::error::Error;
use crate::records::DeadLetter;

/// Puts dead letters back into the queue, the oldest of each plugin first, with all their retries; what was held back
/// behind them follows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayDeadLetters {
    /// Only those of this plugin; `None` for all.
    #[serde(default)]
    pub plugin: Option<String>,
    /// At most this many. 100 is usual.
    #[serde(default = "hundred", alias = "max_events", alias = "maxEvents")]
    pub limit: usize,
}

fn hundred() -> usize {
    100
}

/// What was put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplayDeadLettersOutput {
    /// Dead letters.
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

impl Kernel {
    /// Events that a plugin has refused until they were given up, of one plugin or of all: by plugin, the oldest first;
    /// at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn dead_letters(&self, plugin: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        self.store().dead_letters(plugin, limit).await
    }
}
