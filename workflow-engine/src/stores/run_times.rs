//! The start and the deadline of a run, where the clock has jumped.

use chrono::TimeDelta;

use super::instant;
use crate::records::{RunTimes, Status};

impl RunTimes {
    /// Moves the instants that were computed from the clock. An instant that the caller has named stays, and so does a
    /// deadline that counts from it.
    pub(super) fn shift(&mut self, status: Status, distance: TimeDelta) {
        let is_to_start = status == Status::Pending && self.due_at.is_some();
        if is_to_start && self.due_after.is_none() {
            return;
        }
        if let Some(due) = self.due_at.as_mut().filter(|_| is_to_start) {
            instant::shift(due, distance);
        }
        let deadline = self.deadline_at.as_mut().filter(|deadline| **deadline != instant::AT_ONCE);
        if let Some(deadline) = deadline {
            instant::shift(deadline, distance);
        }
    }
}
