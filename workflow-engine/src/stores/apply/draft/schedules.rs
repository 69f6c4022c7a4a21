//! Schedules in a draft.

use super::Draft;
use crate::records::ScheduleRecord;
use crate::stores::working_set::MovedSchedule;

impl Draft<'_> {
    /// Writes a schedule.
    pub(in crate::stores::apply) fn move_schedule(&mut self, record: &ScheduleRecord) {
        let record = ScheduleRecord { written_at: self.now, ..record.clone() };
        let id = &record.schedule.id;
        let stored = self.set.schedules.get(id).map_or(0, |stored| stored.version);
        self.written.schedules.insert(id.clone(), record.clone());
        let moved = MovedSchedule { expected: stored, record };
        self.side_rows().moved_schedules.push(moved);
        self.notify_timer();
    }
}
