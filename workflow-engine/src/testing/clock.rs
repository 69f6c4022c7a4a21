//! A virtual clock.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::ports::{Clock, is_jump};

/// A clock that moves only when the test [advances](Self::advance) it. Clones share the same time.
///
/// ```
/// use std::time::Duration;
/// use workflow_engine::ports::Clock;
/// use workflow_engine::testing::FakeClock;
///
/// let clock = FakeClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!((clock.now() - before).num_minutes(), 60);
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock {
    time: Arc<watch::Sender<Time>>,
    /// The number of sleeping tasks for each instant at which they wake, as a clock that was never set would show it.
    sleepers: Arc<Mutex<BTreeMap<DateTime<Utc>, usize>>>,
}

/// The time that a clock shows.
#[derive(Clone, Copy, Debug)]
struct Time {
    /// The instant that the clock would show if it had never been set.
    steady: DateTime<Utc>,
    /// How far the clock was set ahead; negative where it was set back.
    ahead: TimeDelta,
}

impl Time {
    fn now(self) -> DateTime<Utc> {
        added(self.steady, self.ahead)
    }
}

fn added(instant: DateTime<Utc>, delta: TimeDelta) -> DateTime<Utc> {
    let limit = if delta < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    instant.checked_add_signed(delta).unwrap_or(limit)
}

impl FakeClock {
    /// Makes a clock that shows the beginning of the year 2026 (UTC).
    #[must_use]
    pub fn new() -> Self {
        // Seconds since the epoch of 2026-01-01T00:00:00Z, well within the calendar.
        Self::at(DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default())
    }

    /// Makes a clock that shows this instant.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        let time = Time { steady: now, ahead: TimeDelta::zero() };
        Self { time: Arc::new(watch::Sender::new(time)), sleepers: Arc::default() }
    }

    /// Advances the clock by `duration`, and wakes the tasks that slept until then.
    pub fn advance(&self, duration: Duration) {
        let step = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        self.time.send_modify(|time| time.steady = added(time.steady, step));
    }

    /// Sets the clock by `delta`, back where it is negative, as an administrator or a time server does: `now` jumps, no
    /// time passes, and sleeping tasks sleep for as long as they would have.
    ///
    /// ```
    /// use chrono::TimeDelta;
    /// use workflow_engine::ports::Clock;
    /// use workflow_engine::testing::FakeClock;
    ///
    /// let clock = FakeClock::new();
    /// let (before, monotonic) = (clock.now(), clock.monotonic());
    /// clock.jump(TimeDelta::hours(-1));
    /// assert_eq!(clock.now(), before - TimeDelta::hours(1));
    /// assert_eq!(clock.monotonic(), monotonic);
    /// ```
    pub fn jump(&self, delta: TimeDelta) {
        self.time.send_modify(|time| time.ahead = time.ahead.checked_add(&delta).unwrap_or(time.ahead));
    }
}

impl FakeClock {
    /// Returns the earliest instant at which a sleeping task wakes, or `None` when no task sleeps.
    #[must_use]
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        let Time { steady, ahead } = *self.time.borrow();
        let next =
            self.sleepers().range((Bound::Excluded(steady), Bound::Unbounded)).next().map(|(wake, _)| *wake);
        next.map(|wake| added(wake, ahead))
    }

    async fn sleep_until_steady(&self, wake: DateTime<Utc>) {
        let _sleeper = Sleeper::new(self, wake);
        let mut time = self.time.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = time.wait_for(|time| time.steady >= wake).await;
    }

    fn sleepers(&self) -> MutexGuard<'_, BTreeMap<DateTime<Utc>, usize>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sleeping task, which is registered until this is dropped.
struct Sleeper<'a> {
    clock: &'a FakeClock,
    until: DateTime<Utc>,
}

impl<'a> Sleeper<'a> {
    fn new(clock: &'a FakeClock, until: DateTime<Utc>) -> Self {
        *clock.sleepers().entry(until).or_default() += 1;
        Self { clock, until }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut sleepers = self.clock.sleepers();
        if let Some(count) = sleepers.get_mut(&self.until) {
            *count -= 1;
            if *count == 0 {
                sleepers.remove(&self.until);
            }
        }
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        self.time.borrow().now()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        let ahead = self.time.borrow().ahead;
        self.sleep_until_steady(added(instant, -ahead)).await;
    }

    async fn sleep(&self, duration: Duration) {
        let steady = self.time.borrow().steady;
        self.sleep_until_steady(added(steady, TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX))).await;
    }

    async fn sleep_until_monotonic(&self, end: Duration) {
        let end = TimeDelta::from_std(end).unwrap_or(TimeDelta::MAX);
        self.sleep_until_steady(added(DateTime::UNIX_EPOCH, end)).await;
    }

    fn monotonic(&self) -> Duration {
        (self.time.borrow().steady - DateTime::UNIX_EPOCH).to_std().unwrap_or_default()
    }

    fn origin(&self) -> DateTime<Utc> {
        added(DateTime::UNIX_EPOCH, self.time.borrow().ahead)
    }

    async fn jumped_from(&self, origin: DateTime<Utc>) {
        let mut time = self.time.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = time.wait_for(|time| is_jump(added(DateTime::UNIX_EPOCH, time.ahead) - origin)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_at_its_instant() {
        let clock = FakeClock::new();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}
