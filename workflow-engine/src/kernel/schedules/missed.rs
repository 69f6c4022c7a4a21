//! Chooses the tick to handle among those that have passed.

use chrono::{DateTime, TimeDelta, Utc};

use super::timing::{Timing, due_of};
use crate::records::{CatchUp, ScheduleRecord};

/// A tick that is later than this is missed where missed ticks start no runs.
const GRACE: TimeDelta = TimeDelta::minutes(1);

/// The most ticks that the search for the latest passes over because their jitter has not passed.
const MAX_STEPS: usize = 1_000;

/// Returns the tick that is to be handled now; `None` if all that have passed are missed. `first` is the oldest one that is
/// not handled, and has passed.
///
/// It searches back from now, so it costs the same after a second and after a year.
pub(super) fn tick_to_handle(
    record: &ScheduleRecord,
    timing: &Timing,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let latest = latest(record, timing, first, now);
    match record.schedule.catch_up {
        CatchUp::Latest => Some(latest),
        CatchUp::All { at_most } => {
            let mut oldest = latest;
            for _ in 1..at_most {
                match timing.before(oldest) {
                    Some(earlier) if earlier >= first => oldest = earlier,
                    _ => break,
                }
            }
            Some(oldest)
        }
        // A tick that has waited for a run is not missed.
        CatchUp::None => {
            let is_late = now - due_of(&record.schedule, latest) > GRACE;
            (!is_late || record.blocked_by.is_some()).then_some(latest)
        }
    }
}

/// Returns the latest tick that has passed with its jitter.
fn latest(
    record: &ScheduleRecord,
    timing: &Timing,
    first: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let mut tick = timing.at_or_before(now);
    for _ in 0..MAX_STEPS {
        match tick {
            Some(at) if at > first && due_of(&record.schedule, at) > now => tick = timing.before(at),
            _ => break,
        }
    }
    tick.filter(|at| *at > first && due_of(&record.schedule, *at) <= now).unwrap_or(first)
}
