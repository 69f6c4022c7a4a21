//! Writes events to the program's log.

use async_trait::async_trait;
use tracing::Level;

use crate::ports::{DeliveryError, EventSink};
use crate::records::{Event, EventType};

/// Writes every event to [`tracing`]: target `workflow_engine::events`, fields `run`, `sequence`, `event`, `at`, `causation_id`
/// ([`Event::causation_id`]) and `payload` (the event's own fields as JSON). Failures have the level `ERROR`, retries and cancellations `WARN`, progress
/// `DEBUG`, and all other events `INFO`.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::sinks::TracingSink;
///
/// # async fn build() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").event_sink(TracingSink::new()).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink {
    level: Option<Level>,
}

impl TracingSink {
    /// The target of the log lines.
    pub const TARGET: &'static str = "workflow_engine::events";

    /// Creates a sink that logs each type of event at its own level.
    #[must_use]
    pub const fn new() -> Self {
        Self { level: None }
    }

    /// Creates a sink that logs every event at this level.
    #[must_use]
    pub const fn at(level: Level) -> Self {
        Self { level: Some(level) }
    }

    fn level_of(self, event: &Event) -> Level {
        self.level.unwrap_or(match event.kind.event_type() {
            EventType::WorkflowFailed | EventType::StageFailed => Level::ERROR,
            EventType::WorkflowCancelled | EventType::StageCancelled | EventType::StageRetrying => {
                Level::WARN
            }
            EventType::StageProgress => Level::DEBUG,
            _ => Level::INFO,
        })
    }
}

#[async_trait]
impl EventSink for TracingSink {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        let payload = event.kind.payload()?;
        let (run, sequence, name, at) =
            (event.run_id, event.sequence, event.kind.name(), event.at.to_rfc3339());
        let causation_id = event.causation_id.as_str();
        // `tracing` fixes the level at each call site, so each level needs its own call site.
        macro_rules! write_at {
            ($level:expr) => {
                tracing::event!(target: TracingSink::TARGET, $level, %run, sequence, event = name, at, causation_id, payload)
            };
        }
        match self.level_of(event) {
            Level::ERROR => write_at!(Level::ERROR),
            Level::WARN => write_at!(Level::WARN),
            Level::INFO => write_at!(Level::INFO),
            Level::DEBUG => write_at!(Level::DEBUG),
            Level::TRACE => write_at!(Level::TRACE),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
