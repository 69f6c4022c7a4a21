//! The clock: time behind a port, so that a test can control it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time, and waits for a later instant.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> DateTime<Utc>;

    /// Returns the time since a fixed instant. Where the machine's clock is set, [`now`](Self::now) jumps and this does
    /// not. The default derives it from `now`, for a clock that never jumps.
    fn monotonic(&self) -> Duration {
        (self.now() - DateTime::UNIX_EPOCH).to_std().unwrap_or_default()
    }

    /// Waits until `instant`; returns at once if it has passed. Dropping the future ends the wait.
    async fn sleep_until(&self, instant: DateTime<Utc>);

    /// Waits for `duration`.
    async fn sleep(&self, duration: Duration) {
        let duration = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let end = self.now().checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.sleep_until(end).await;
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    async fn sleep_until(&self, instant: DateTime<Utc>) {
        if let Ok(duration) = (instant - self.now()).to_std() {
            tokio::time::sleep(duration).await;
        }
    }
}
