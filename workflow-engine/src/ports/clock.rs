//! The clock: time behind a port, so that a test can control it.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

/// The smallest jump of a clock that counts as one. A clock that is corrected gradually stays below it.
const MIN_JUMP: TimeDelta = TimeDelta::seconds(1);
/// The time between two checks whether the machine's clock has jumped.
const JUMP_CHECK: Duration = Duration::from_secs(1);
/// The longest time between the two readings of [`Clock::origin`]. The thread may have been interrupted between them.
const MAX_READING: Duration = Duration::from_millis(100);

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

    /// Returns the instant at which [`monotonic`](Self::monotonic) was zero, by the clock as it is set now. It moves by the
    /// distance of each jump.
    fn origin(&self) -> DateTime<Utc> {
        let mut before = self.monotonic();
        let mut now = self.now();
        for _ in 0..3 {
            let after = self.monotonic();
            if after.saturating_sub(before) < MAX_READING {
                break;
            }
            (before, now) = (after, self.now());
        }
        let since = TimeDelta::from_std(before).unwrap_or_default();
        now.checked_sub_signed(since).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Waits until [`origin`](Self::origin) is a second or more away from `origin`: until the clock has jumped. Dropping the
    /// future ends the wait. The default never returns, for a clock that never jumps.
    async fn jumped_from(&self, _origin: DateTime<Utc>) {
        std::future::pending::<()>().await;
    }

    /// Waits until `instant`; returns at once if it has passed. Where the clock jumps meanwhile, the wait may end by the
    /// earlier or the later setting. Dropping the future ends the wait.
    async fn sleep_until(&self, instant: DateTime<Utc>);

    /// Waits for `duration`.
    async fn sleep(&self, duration: Duration) {
        let duration = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let end = self.now().checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.sleep_until(end).await;
    }

    /// Sleeps until [`monotonic`](Self::monotonic) reaches this value. The two are one step for a clock that a test
    /// advances: a sleep by the difference of two readings would begin too late if the clock was advanced between them.
    async fn sleep_until_monotonic(&self, end: Duration) {
        self.sleep(end.saturating_sub(self.monotonic())).await;
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

    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    #[allow(clippy::disallowed_methods, reason = "this is the port")]
    async fn jumped_from(&self, origin: DateTime<Utc>) {
        // Each platform reports a jump in its own way, so this compares readings instead.
        while !is_jump(self.origin() - origin) {
            tokio::time::sleep(JUMP_CHECK).await;
        }
    }
}

/// Returns whether an origin that moves by `distance` shows a jump.
pub(crate) fn is_jump(distance: TimeDelta) -> bool {
    distance.abs() >= MIN_JUMP
}
