//! Who hears of events.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;

use crate::records::{Event, EventType};

/// Why an event was not taken: any error, or a text (`"the far side is away".into()`).
pub type DeliveryError = Box<dyn StdError + Send + Sync>;

/// Receives every event at least once, in order within its run: where the events of a program leave the engine.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes one event.
    ///
    /// # Errors
    /// An error means: again, later, and before any later event of that run; without an end.
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError>;
}

/// Hears of some types of events, each at least once, in order within its run, and by itself: what it refuses is
/// offered to it alone again, and what it refuses too often becomes a dead letter.
///
/// ```
/// use async_trait::async_trait;
/// use workflow_engine::ports::{DeliveryError, Plugin};
/// use workflow_engine::prelude::*;
/// use workflow_engine::records::{Event, EventType};
///
/// struct Bell;
///
/// #[async_trait]
/// impl Plugin for Bell {
///     fn name(&self) -> &str {
///         "bell"
///     }
///     fn event_types(&self) -> &[EventType] {
///         &[EventType::WorkflowCompleted, EventType::WorkflowFailed]
///     }
///     async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
///         println!("run {} is over: {}", event.run_id, event.kind.name());
///         Ok(())
///     }
/// }
///
/// # #[stage]
/// # async fn double(number: u32) -> StageResult<u32> { Ok(number * 2) }
/// # workflow! { doubling = double }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<doubling>().plugin(Bell).build().await?;
/// # engine.start::<doubling>(DoubleInput { number: 2 }).await?.output().await?;
/// # engine.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Plugin: Send + Sync {
    /// Its name, the key of what is stored of it: 1 to 100 bytes, the same in every process and after every restart.
    fn name(&self) -> &str;

    /// The events that it hears of. Default: all.
    fn event_types(&self) -> &[EventType] {
        EventType::ALL
    }

    /// What follows when it refuses an event. Default: three retries, then a dead letter that holds back the later
    /// events of its run.
    fn policy(&self) -> DeliveryPolicy {
        DeliveryPolicy::default()
    }

    /// Takes one event.
    ///
    /// # Errors
    /// An error, or a panic, means: again, later, and before any later event of that run.
    async fn handle(&self, event: &Event) -> Result<(), DeliveryError>;
}

/// What follows when an event is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryPolicy {
    /// How often a refused event is offered again before it becomes a dead letter; `None` for ever. Default 3.
    pub max_retries: Option<u32>,
    /// How long the first retry waits; each later one twice as long. Default 1 s.
    pub first_delay: Duration,
    /// No retry waits longer than this. Default 5 min.
    pub longest_delay: Duration,
    /// An event that is not taken within this time is refused. Default 10 s.
    pub timeout: Duration,
    /// Whether a dead letter holds back the later events of its run until it is replayed, so that their order is kept.
    /// Default yes.
    pub block_on_dead_letter: bool,
}

impl DeliveryPolicy {
    /// How long the retry after this many refusals (at least 1) waits.
    #[must_use]
    pub fn delay(&self, refusals: u32) -> Duration {
        let doubled = 1_u32.checked_shl(refusals.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_delay.saturating_mul(doubled).min(self.longest_delay)
    }
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            max_retries: Some(3),
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
            block_on_dead_letter: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_retry_waits_twice_as_long_up_to_the_longest() {
        let policy = DeliveryPolicy::default();
        let seconds: Vec<u64> = (1..=4).map(|refusals| policy.delay(refusals).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8]);
        for refusals in [10, 32, 33, u32::MAX] {
            assert_eq!(policy.delay(refusals), policy.longest_delay, "{refusals}");
        }
    }
}
