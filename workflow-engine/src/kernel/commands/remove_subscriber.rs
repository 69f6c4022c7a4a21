//! `subscriber.remove`: removes a subscriber of events from the store.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;

/// Removes a plugin, or the sink, from the store, with its undelivered events and dead letters. Remove it from the programs
/// first: a process that has it registers it again when it starts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveSubscriber {
    /// The plugin's name, or `sink`.
    pub name: String,
}

/// The result of a removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RemoveSubscriberOutput {
    /// Whether the store had the subscriber.
    pub removed: bool,
}

#[async_trait]
impl Command for RemoveSubscriber {
    type Output = RemoveSubscriberOutput;
    const NAME: &'static str = "subscriber.remove";

    async fn execute(self, kernel: &Kernel) -> Result<RemoveSubscriberOutput, Error> {
        let removed = kernel.store().remove_subscriber(&self.name).await?;
        Ok(RemoveSubscriberOutput { removed })
    }
}
