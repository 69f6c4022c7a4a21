//! Time, behind a port so that a test can own it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// The present instant, and waiting for a later one.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;

    /// Waits until that instant; not at all if it has passed. Dropping the future ends the waiting.
    async fn sleep_until(&self, instant: DateTime<Utc>);

    /// Waits that long.
    async fn sleep(&self, duration: Duration) {
        let duration = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let end = self.now().checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.sleep_until(end).await;
    }
}

/// The machine's clock.
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
