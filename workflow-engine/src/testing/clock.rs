//! A virtual clock.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::ports::Clock;

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
    now: Arc<watch::Sender<DateTime<Utc>>>,
    /// The number of sleeping tasks for each instant at which they wake.
    sleepers: Arc<Mutex<BTreeMap<DateTime<Utc>, usize>>>,
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
        Self { now: Arc::new(watch::Sender::new(now)), sleepers: Arc::default() }
    }

    /// Advances the clock by `duration`, and wakes the tasks that slept until then.
    pub fn advance(&self, duration: Duration) {
        let step = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        self.now.send_modify(|now| *now = now.checked_add_signed(step).unwrap_or(DateTime::<Utc>::MAX_UTC));
    }
}

impl FakeClock {
    /// Returns the earliest instant at which a sleeping task wakes, or `None` when no task sleeps.
    #[must_use]
    pub fn next_wake(&self) -> Option<DateTime<Utc>> {
        let now = self.now();
        self.sleepers().range((Bound::Excluded(now), Bound::Unbounded)).next().map(|(instant, _)| *instant)
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
        *self.now.borrow()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        let _sleeper = Sleeper::new(self, instant);
        let mut now = self.now.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = now.wait_for(|now| *now >= instant).await;
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
