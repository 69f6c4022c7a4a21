//! Schedules: when they tick, and what a tick does.
//!
//! - `timing` computes ticks, and `missed` chooses one among those that have passed.
//! - `tick` handles one: it creates the run and moves the schedule in one commit.
//! - `spec` checks a schedule, and makes the request of its runs.
//! - `change` reads a schedule, changes it, and writes it unless another process was first.

mod timing;
mod missed;
mod spec;
mod change;
mod tick;

use chrono::{DateTime, Utc};

pub(in crate::kernel) use change::change_schedule;
pub(in crate::kernel) use spec::{check_schedule, key_of, request_of};
pub(in crate::kernel) use tick::{TickOutcome, handle_tick, start_run};
pub(in crate::kernel) use timing::{Timing, due_of};

use crate::error::Error;
use crate::records::ScheduleRecord;

impl ScheduleRecord {
    /// Returns the first `count` ticks of a schedule from the next one on; none while it is paused.
    ///
    /// # Errors
    /// `INVALID_SCHEDULE` for a time zone that this process does not know.
    pub(crate) fn next_ticks(&self, count: usize) -> Result<Vec<DateTime<Utc>>, Error> {
        let timing = Timing::of(&self.schedule)?;
        let next = self.next_at.filter(|_| self.state.paused.is_none());
        Ok(std::iter::successors(next, |tick| timing.after(*tick)).take(count).collect())
    }
}
