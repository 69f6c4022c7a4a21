//! The clock: time behind a port, so that a test can control it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time, and waits for a later instant.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> DateTime<Utc>;

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
    async fn sleep_until(&self, instant: DateTime<Utc>) {
        if let Ok(duration) = (instant - self.now()).to_std() {
            tokio::time::sleep(duration).await;
        }
    }
}
