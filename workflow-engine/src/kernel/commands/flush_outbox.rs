//! `outbox.flush`: delivers events to the sink and the plugins.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::Deserialize;

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::flush::Flush;
pub use crate::kernel::flush_output::FlushOutboxOutput;
use crate::kernel::subscribers::Subscriber;

/// Delivers committed events to the sink and to the plugins: to each subscriber independently, and in order within each
/// run. Any number of flushers may work at the same time, because each claims a run's deliveries to a subscriber.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlushOutbox {
    /// The flusher's name.
    pub worker_id: String,
    /// At most this many events to each subscriber. Default in JSON: 100.
    #[serde(default = "hundred", alias = "max_events", alias = "maxEvents")]
    pub limit: usize,
    /// Only the plugin of this name, or the `sink`; `None` for all subscribers.
    #[serde(default)]
    pub plugin: Option<String>,
}

fn hundred() -> usize {
    100
}

#[async_trait]
impl Command for FlushOutbox {
    type Output = FlushOutboxOutput;
    const NAME: &'static str = "outbox.flush";

    async fn execute(self, kernel: &Kernel) -> Result<FlushOutboxOutput, Error> {
        let is_requested =
            |subscriber: &&Arc<Subscriber>| self.plugin.as_ref().is_none_or(|name| name == subscriber.name());
        let subscribers = kernel.subscribers().all().iter().filter(is_requested);
        // Concurrently: a slow subscriber delays only the caller.
        let flushes =
            subscribers.map(|subscriber| Flush::new(kernel, subscriber, &self.worker_id, self.limit).run());
        let (mut flushed, mut failure) = (FlushOutboxOutput::default(), None);
        for part in join_all(flushes).await {
            match part {
                Ok(part) => flushed.add(part),
                // The others are delivered all the same.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(flushed), Err)
    }
}
