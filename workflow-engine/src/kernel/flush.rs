//! `outbox.flush`: delivers events to the sink.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use crate::error::Error;
use crate::records::Claim;

/// Delivers committed events to the sink, in order within each run. One flusher works at a time; the others answer
/// zero.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxFlush {
    /// Who flushes.
    pub worker_id: String,
    /// At most this many events. 100 is usual.
    #[serde(default = "hundred")]
    pub max_events: usize,
}

fn hundred() -> usize {
    100
}

/// What was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxFlushed {
    /// Events that the sink took.
    pub published: usize,
    /// Events that it refused; they are offered again.
    pub refused: usize,
}

/// A flusher that dies is followed by another after this time.
const FLUSHER_LEASE: Duration = Duration::from_secs(30);
/// How long a refused event waits before it is offered again.
const REFUSED_DELAY: Duration = Duration::from_secs(5);

#[async_trait]
impl Command for OutboxFlush {
    type Answer = OutboxFlushed;
    const NAME: &'static str = "outbox.flush";

    async fn carry_out(self, kernel: &Kernel) -> Result<OutboxFlushed, Error> {
        let Some(sink) = &kernel.ports().sink else { return Ok(OutboxFlushed::default()) };
        let flusher = Claim { worker_id: self.worker_id, lease: FLUSHER_LEASE };
        let events = kernel.store().undelivered(&flusher, self.max_events).await?;
        let mut flushed = OutboxFlushed::default();
        let mut delivered = Vec::with_capacity(events.len());
        // A refusal holds back the later events of its run, and of no other.
        let mut held_back = HashSet::new();
        for event in &events {
            if held_back.contains(&event.run_id) {
                continue;
            }
            match sink.deliver(event).await {
                Ok(()) => {
                    flushed.published += 1;
                    delivered.push((event.run_id, event.sequence));
                }
                Err(error) => {
                    tracing::warn!(run = %event.run_id, sequence = event.sequence, %error, "the sink refused an event");
                    flushed.refused += 1;
                    held_back.insert(event.run_id);
                    kernel.store().mark_refused(event.run_id, event.sequence, REFUSED_DELAY).await?;
                }
            }
        }
        if !delivered.is_empty() {
            kernel.store().mark_delivered(delivered).await?;
        }
        Ok(flushed)
    }
}
