//! The ticks of a schedule.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::records::Schedule;
use crate::value::nearest;

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// When a schedule ticks.
pub(in crate::kernel) enum Timing {
    /// At the instants of a pattern on the clocks of a zone.
    Cron(Box<Cron>, Tz),
    /// At the multiples of a period since 1970, in microseconds.
    Every(i64),
}

impl Timing {
    /// Reads the timing of a schedule.
    ///
    /// # Errors
    /// `INVALID_SCHEDULE`.
    pub(in crate::kernel) fn of(schedule: &Schedule) -> Result<Self, Error> {
        let invalid = |reason: String| Error::invalid_schedule(&schedule.id, reason);
        match (&schedule.cron, &schedule.zone, schedule.every) {
            (Some(pattern), zone, None) => {
                let cron = Cron::from_str(pattern);
                let cron = cron.map_err(|error| {
                    invalid(format!("the cron pattern `{pattern}` cannot be read: {error}"))
                })?;
                let zone = zone.as_deref().unwrap_or("UTC");
                Ok(Self::Cron(Box::new(cron), zone.parse().map_err(|_| invalid(unknown_zone(zone)))?))
            }
            (None, None, Some(period)) => {
                let micros = i64::try_from(period.as_micros()).ok();
                let longest = Duration::from_secs(366 * 86_400);
                let micros = micros.filter(|_| period >= Duration::from_secs(1) && period <= longest);
                let refused =
                    || invalid(format!("its period is {period:?}, but must be from 1s to 366 days"));
                micros.map(Self::Every).ok_or_else(refused)
            }
            (None, Some(_), Some(_)) => Err(invalid(
                "a zone belongs to a cron pattern: a period has the same length in every zone".to_owned(),
            )),
            (Some(_), _, Some(_)) | (None, _, None) => {
                Err(invalid("it needs either a cron pattern or a period".to_owned()))
            }
        }
    }

    /// Returns the first tick after an instant.
    pub(in crate::kernel) fn after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            // The pattern has whole seconds, and the search begins with the next one.
            Self::Cron(cron, zone) => {
                let from = whole_second(instant)?.with_timezone(zone);
                Some(cron.find_next_occurrence(&from, false).ok()?.with_timezone(&Utc))
            }
            Self::Every(period) => {
                let number = instant.timestamp_micros().div_euclid(*period).checked_add(1)?;
                DateTime::from_timestamp_micros(number.checked_mul(*period)?)
            }
        }
    }

    /// Returns the first tick at an instant or after it.
    pub(in crate::kernel) fn at_or_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.after(instant.checked_sub_signed(TimeDelta::microseconds(1))?)
    }

    /// Returns the last tick at an instant or before it.
    pub(in crate::kernel) fn at_or_before(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Cron(cron, zone) => {
                let from = whole_second(instant)?.with_timezone(zone);
                Some(cron.find_previous_occurrence(&from, true).ok()?.with_timezone(&Utc))
            }
            Self::Every(period) => {
                DateTime::from_timestamp_micros(instant.timestamp_micros().div_euclid(*period) * period)
            }
        }
    }

    /// Returns the last tick before another one.
    pub(in crate::kernel) fn before(&self, tick: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.at_or_before(tick.checked_sub_signed(SECOND)?)
    }
}

/// Returns the instant at which the run of a tick starts. A hash of the schedule's id and the tick decides by how much later
/// than the tick, so every process says the same.
pub(in crate::kernel) fn due_of(schedule: &Schedule, tick: DateTime<Utc>) -> DateTime<Utc> {
    let longest = u64::try_from(schedule.jitter.as_millis()).unwrap_or(u64::MAX);
    if longest == 0 {
        return tick;
    }
    let digest = Sha256::digest(format!("{}/{}", schedule.id, tick.timestamp()));
    let (number, _) = digest.split_at(8);
    let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let delay = i64::try_from(number % longest.saturating_add(1)).unwrap_or(i64::MAX);
    tick.checked_add_signed(TimeDelta::milliseconds(delay)).unwrap_or(tick)
}

fn whole_second(instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    instant.duration_trunc(SECOND).ok()
}

fn unknown_zone(zone: &str) -> String {
    let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let meant = nearest(zone, &names).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
    let shown: String = zone.chars().take(64).collect();
    format!("there is no time zone `{shown}`{meant}")
}

#[cfg(test)]
#[path = "timing_tests.rs"]
mod tests;
