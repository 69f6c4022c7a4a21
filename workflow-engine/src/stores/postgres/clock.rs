//! The database's clock, told from its last answers.

#![allow(clippy::disallowed_methods, reason = "it measures how long ago the database has told its own time")]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// What was heard is believed for so long before something later is preferred, though it may have been longer on its
/// way: the database's clock may be set, and no two clocks are equally fast.
const BELIEVED: Duration = Duration::from_secs(1);

/// A clock that is behind by less than this has been read twice; by more, it has been set back.
const SET_BACK: TimeDelta = TimeDelta::seconds(1);

/// What the database's clock shows now, without asking it. It is never ahead, since an answer is heard after it was
/// given, and goes back only where that is set back. Whoever writes an instant has the server compare it (`parts.rs`).
#[derive(Debug, Default)]
pub(super) struct DatabaseClock {
    heard: Mutex<Option<Heard>>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    instant: DateTime<Utc>,
    at: Instant,
    /// The latest instant that was told.
    told: DateTime<Utc>,
}

impl DatabaseClock {
    /// The database has just said that it is `instant`.
    pub(super) fn hear(&self, instant: DateTime<Utc>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        let told = heard.map_or(instant, |heard| heard.told);
        let is_better = heard
            .is_none_or(|heard| heard.now(at) < instant || at.saturating_duration_since(heard.at) > BELIEVED);
        if is_better {
            *heard = Some(Heard { instant, at, told });
        }
    }

    /// What it shows now; `None` where it has never been heard.
    pub(super) fn now(&self) -> Option<DateTime<Utc>> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = heard.as_mut()?;
        let now = heard.now(Instant::now());
        // One that was set back goes back here, too.
        if heard.told < now || heard.told - now > SET_BACK {
            heard.told = now;
        }
        Some(heard.told.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(heard.told))
    }
}

impl Heard {
    fn now(&self, at: Instant) -> DateTime<Utc> {
        let since = TimeDelta::from_std(at.saturating_duration_since(self.at)).unwrap_or_default();
        self.instant.checked_add_signed(since).unwrap_or(self.instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_databases_clock() {
        let clock = DatabaseClock::default();
        assert_eq!(clock.now(), None);
        let noon = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        clock.hear(noon);
        let first = clock.now().unwrap();
        assert!(first >= noon && first < noon + TimeDelta::hours(1), "{first}");
        // An answer that was long on its way says less than is known.
        clock.hear(noon - TimeDelta::milliseconds(500));
        assert!(clock.now().unwrap() >= first);
        let later = noon + TimeDelta::hours(2);
        clock.hear(later);
        assert!(clock.now().unwrap() >= later);
    }
}
