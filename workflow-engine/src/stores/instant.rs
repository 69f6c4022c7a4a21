//! Instants as the stores keep them.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::ports::Clock;

/// Returns the clock's instant in whole microseconds, which is what a row can hold, so that every store returns the same.
pub(super) fn now(clock: &dyn Clock) -> DateTime<Utc> {
    let now = clock.now();
    now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
}

/// Returns `delay` after `now`. A delay beyond the calendar becomes [`NEVER`].
pub(super) fn after(now: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    let Ok(delay) = i64::try_from(delay.as_micros()) else { return NEVER };
    now.checked_add_signed(TimeDelta::microseconds(delay)).map_or(NEVER, |instant| instant.min(NEVER))
}

/// Moves a due instant by `distance`. [`NEVER`] stays.
pub(super) fn shift(instant: &mut DateTime<Utc>, distance: TimeDelta) {
    if *instant < NEVER {
        *instant = instant.checked_add_signed(distance).map_or(NEVER, |instant| instant.min(NEVER));
    }
}

/// Returns `age` before `now`, or the Unix epoch where that is earlier.
pub(super) fn before(now: DateTime<Utc>, age: Duration) -> DateTime<Utc> {
    let age = i64::try_from(age.as_micros()).ok().map(TimeDelta::microseconds);
    let instant = age.and_then(|age| now.checked_sub_signed(age));
    instant.unwrap_or(DateTime::UNIX_EPOCH).max(DateTime::UNIX_EPOCH)
}

/// Returns a duration in whole milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the milliseconds between two instants, 0 where the clock was set back between them.
pub(super) fn milliseconds_between(start: DateTime<Utc>, end: DateTime<Utc>) -> u64 {
    u64::try_from((end - start).num_milliseconds()).unwrap_or(0)
}

/// A deadline in the past of every clock, also of one that is set back: the run is to end at once.
pub(super) const AT_ONCE: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Microsecond 253,402,300,799,999,999: the end of the year 9999, which every tool can show.
pub(super) const NEVER: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 999_999_000) {
    Some(last) => last,
    None => DateTime::<Utc>::MAX_UTC,
};

/// Returns the first instant at or after this one that a store can hold. Stores hold whole microseconds.
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "the store in memory compares instants without rounding")
)]
pub(super) fn rounded_up(instant: DateTime<Utc>) -> DateTime<Utc> {
    let below = instant.timestamp_subsec_nanos() % 1_000;
    let missing = if below == 0 { 0 } else { 1_000 - i64::from(below) };
    instant.checked_add_signed(TimeDelta::nanoseconds(missing)).unwrap_or(instant)
}

#[cfg(test)]
#[path = "instant_tests.rs"]
mod tests;
