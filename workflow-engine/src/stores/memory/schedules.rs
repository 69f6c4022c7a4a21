//! Schedules in memory.

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::error::Error;
use crate::ports::{DueSchedules, ScheduleWaits, Schedules};
use crate::records::ScheduleRecord;
use crate::stores::footprint::Footprint;
use crate::stores::instant;
use crate::stores::working_set::{MovedSchedule, WorkingSet};
use crate::value::RunId;

impl State {
    /// Copies the named schedules into the working set.
    pub(super) fn load_schedules(&self, footprint: &Footprint, set: &mut WorkingSet) {
        let named = footprint.schedules.iter().filter_map(|id| self.schedules.get_key_value(id));
        set.schedules.extend(named.map(|(id, record)| (id.clone(), record.clone())));
    }

    /// Stores the schedules that ticks have moved.
    pub(super) fn move_schedules(&mut self, moved: Vec<MovedSchedule>) {
        for MovedSchedule { record, .. } in moved {
            self.schedules.insert(record.schedule.id.clone(), record);
        }
    }

    fn has_ended(&self, run_id: RunId) -> bool {
        self.runs.get(&run_id).is_none_or(|run| run.record.status.is_terminal())
    }

    fn schedules_of<'a>(&'a self, workflow_ids: &'a [String]) -> impl Iterator<Item = &'a ScheduleRecord> {
        let all = self.schedules.values();
        all.filter(|record| workflow_ids.contains(&record.schedule.workflow_id))
    }
}

#[async_trait]
impl Schedules for MemoryStore {
    async fn schedule(&self, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        Ok(self.open("read a schedule")?.schedules.get(id).cloned())
    }

    async fn schedules(&self, after: Option<&str>, limit: usize) -> Result<Vec<ScheduleRecord>, Error> {
        let state = self.open("read schedules")?;
        let later = state.schedules.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
        Ok(later.take(limit).map(|(_, record)| record.clone()).collect())
    }

    async fn due_schedules(&self, workflow_ids: &[String], limit: usize) -> Result<DueSchedules, Error> {
        let state = self.open("read schedules that are due")?;
        let now = instant::now(&*self.clock);
        let unblocked =
            |record: &ScheduleRecord| record.blocked_by.is_some_and(|run_id| state.has_ended(run_id));
        let is_due =
            |record: &&ScheduleRecord| record.due_at.is_some_and(|due| due <= now) || unblocked(record);
        let mut schedules: Vec<_> = state.schedules_of(workflow_ids).filter(is_due).cloned().collect();
        schedules.sort_by(|a, b| (a.due_at, &a.schedule.id).cmp(&(b.due_at, &b.schedule.id)));
        schedules.truncate(limit);
        Ok(DueSchedules { now, schedules })
    }

    async fn schedule_waits(&self, workflow_ids: &[String]) -> Result<ScheduleWaits, Error> {
        let state = self.open("read what schedules wait for")?;
        let next_due = state.schedules_of(workflow_ids).filter_map(|record| record.due_at).min();
        let mut runs: Vec<RunId> =
            state.schedules_of(workflow_ids).filter_map(|record| record.blocked_by).collect();
        runs.sort_unstable();
        runs.truncate(ScheduleWaits::MAX_RUNS);
        Ok(ScheduleWaits { next_due, runs })
    }

    async fn put_schedule(&self, record: &ScheduleRecord, expected: Option<u64>) -> Result<bool, Error> {
        let written = {
            let mut state = self.open("write a schedule")?;
            let id = &record.schedule.id;
            let is_expected = state.schedules.get(id).map(|stored| stored.version) == expected;
            if is_expected {
                let written_at = instant::now(&*self.clock);
                state.schedules.insert(id.clone(), ScheduleRecord { written_at, ..record.clone() });
            }
            is_expected
        };
        if written {
            self.hints.timer_set();
        }
        Ok(written)
    }

    async fn delete_schedule(&self, id: &str) -> Result<bool, Error> {
        Ok(self.open("delete a schedule")?.schedules.remove(id).is_some())
    }
}
