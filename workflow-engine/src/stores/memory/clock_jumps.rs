//! Moves the due instants of the store in memory with its clock.
//!
//! The store lives no longer than its process, so it sees every jump of the clock. Each due instant lies a duration after
//! the moment at which it was written, so a jump moves it by its distance: what waits then waits as long as it would have.

use chrono::{DateTime, TimeDelta, Utc};

use super::state::State;
use crate::ports::{Clock, is_jump};
use crate::stores::instant;

impl State {
    /// Moves the due instants where the clock has jumped since the last access.
    pub(super) fn follow_clock(&mut self, clock: &dyn Clock) {
        let origin = clock.origin();
        let distance = origin - *self.origin.get_or_insert(origin);
        if is_jump(distance) {
            self.origin = Some(origin);
            self.shift_due_instants(distance, instant::now(clock));
        }
    }

    fn shift_due_instants(&mut self, distance: TimeDelta, now: DateTime<Utc>) {
        for run in self.runs.values_mut().filter(|run| !run.record.status.is_terminal()) {
            run.record.times.shift(run.record.status, distance);
        }
        let stages = self.runs.values_mut().flat_map(|run| run.stages.values_mut());
        for stage in stages.filter(|stage| !stage.record.status.is_terminal()) {
            if let Some(end) = &mut stage.record.max_wait_until {
                instant::shift(end, distance);
            }
            if let Some(job) = &mut stage.job {
                instant::shift(&mut job.run_at, distance);
                if let Some(end) = &mut job.leased_until {
                    instant::shift(end, distance);
                }
            }
        }
        // A tick is an instant of the calendar and stays. A schedule that has moved while the clock was ahead looks for its next
        // tick again.
        if distance < TimeDelta::zero() {
            for schedule in self.schedules.values_mut().filter(|schedule| schedule.written_at > now) {
                if schedule.due_at.is_some_and(|due| due > now) {
                    schedule.due_at = Some(now);
                    schedule.version += 1;
                }
                schedule.written_at = now;
            }
        }
        for delivery in self.deliveries.values_mut() {
            instant::shift(&mut delivery.due_at, distance);
        }
    }
}
