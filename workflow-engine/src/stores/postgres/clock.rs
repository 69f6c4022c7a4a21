//! An estimate of the database's clock, which spares a round trip.
//!
//! Every instant in the store is the database's, so that all processes share one clock. A transaction that reads takes
//! it from the server once its locks are held (`load.rs`); the fast path uses this estimate, and its statement compares
//! the estimate with the server's clock (`guard_sql.rs`). The process's own clock only measures how much time has
//! passed.

#![allow(clippy::disallowed_methods, reason = "it measures the time since the database last sent its own")]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio::sync::Notify;

/// After this time a newer observation replaces the kept one even if it shows an earlier time, which may only mean that
/// it took longer to arrive: the database's clock may have been set, and no two clocks run equally fast.
const MAX_OBSERVATION_AGE: Duration = Duration::from_secs(1);

/// The estimate may fall behind the last returned instant by this much without going back: observations arrive with
/// different delays. By more, the database's clock was set back.
const MAX_JITTER: TimeDelta = TimeDelta::seconds(1);

/// An observation that is this far behind the estimate shows that the clock was set back. On a busy machine it may also
/// have taken long to arrive, so this is more than `MAX_JITTER`: the check of all instants reads the whole queue.
const MIN_SET_BACK: TimeDelta = TimeDelta::seconds(5);

/// Estimates the current time of the database's clock.
///
/// The estimate is never ahead of that clock, since every observation arrives after it was made. It goes back only
/// where the clock was set back.
#[derive(Debug, Default)]
pub(super) struct DatabaseClock {
    observation: Mutex<Option<Observation>>,
    /// Signalled where the clock was set back.
    set_back: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Observation {
    /// The time that the server sent.
    instant: DateTime<Utc>,
    /// When it arrived.
    at: Instant,
    /// The latest instant that [`DatabaseClock::now`] has returned.
    last_returned: DateTime<Utc>,
}

impl DatabaseClock {
    /// Records the time that the server has just sent.
    pub(super) fn observe(&self, instant: DateTime<Utc>) {
        let mut kept = self.observation.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        let last_returned = kept.map_or(instant, |kept| kept.last_returned);
        // An observation that took as long to arrive looks the same; nothing is lost by checking the instants then.
        if kept.is_some_and(|kept| kept.now(at) - instant > MIN_SET_BACK) {
            self.set_back.notify_one();
        }
        let is_better = kept.is_none_or(|kept| {
            kept.now(at) < instant || at.saturating_duration_since(kept.at) > MAX_OBSERVATION_AGE
        });
        if is_better {
            *kept = Some(Observation { instant, at, last_returned });
        }
    }

    /// Notes that the server's clock has reached an instant: what was due then does not begin before it by the estimate.
    pub(super) fn reach(&self, instant: Option<DateTime<Utc>>) {
        let mut kept = self.observation.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(kept), Some(instant)) = (kept.as_mut(), instant) {
            let at = Instant::now();
            if kept.now(at) < instant {
                *kept = Observation { instant, at, ..*kept };
            }
        }
    }

    /// Waits until the clock was set back, since the last call.
    pub(super) async fn set_back(&self) {
        self.set_back.notified().await;
    }

    /// Returns the estimate, or `None` before the first observation.
    pub(super) fn now(&self) -> Option<DateTime<Utc>> {
        let mut kept = self.observation.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_mut()?;
        let now = kept.now(Instant::now());
        if kept.last_returned < now || kept.last_returned - now > MAX_JITTER {
            kept.last_returned = now;
        }
        Some(kept.last_returned.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(kept.last_returned))
    }
}

impl Observation {
    fn now(&self, at: Instant) -> DateTime<Utc> {
        let since = TimeDelta::from_std(at.saturating_duration_since(self.at)).unwrap_or_default();
        self.instant.checked_add_signed(since).unwrap_or(self.instant)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn the_estimate_follows_the_databases_clock() {
        let clock = DatabaseClock::default();
        assert_eq!(clock.now(), None);
        let noon = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        clock.observe(noon);
        let first = clock.now().unwrap();
        assert!(first >= noon && first < noon + TimeDelta::hours(1), "{first}");
        // An observation that was delayed on its way does not set the estimate back.
        clock.observe(noon - TimeDelta::milliseconds(500));
        assert!(clock.now().unwrap() >= first);
        let later = noon + TimeDelta::hours(2);
        clock.observe(later);
        assert!(clock.now().unwrap() >= later);
        assert!(clock.set_back().now_or_never().is_none(), "nothing shows that the clock was set back");
        clock.observe(noon + TimeDelta::hours(1));
        assert!(clock.set_back().now_or_never().is_some());
    }

    #[test]
    fn the_estimate_is_not_before_an_instant_that_the_database_has_reached() {
        let clock = DatabaseClock::default();
        let noon = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        clock.observe(noon);
        let due = noon + TimeDelta::hours(1);
        clock.reach(Some(due));
        let now = clock.now().unwrap();
        assert!(now >= due);
        clock.reach(Some(noon));
        assert!(clock.now().unwrap() >= now, "an earlier instant says nothing");
        assert!(clock.set_back().now_or_never().is_none());
    }
}
