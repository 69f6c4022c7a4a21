//! The schedules of a store whose process dies.

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{DueSchedules, ScheduleWaits, Schedules};
use crate::records::ScheduleRecord;

#[async_trait]
impl Schedules for CrashingStore {
    async fn schedule(&self, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        self.alive()?.schedule(id).await
    }

    async fn schedules(&self, after: Option<&str>, limit: usize) -> Result<Vec<ScheduleRecord>, Error> {
        self.alive()?.schedules(after, limit).await
    }

    async fn due_schedules(&self, workflow_ids: &[String], limit: usize) -> Result<DueSchedules, Error> {
        self.alive()?.due_schedules(workflow_ids, limit).await
    }

    async fn schedule_waits(&self, workflow_ids: &[String]) -> Result<ScheduleWaits, Error> {
        self.alive()?.schedule_waits(workflow_ids).await
    }

    async fn put_schedule(&self, record: &ScheduleRecord, expected: Option<u64>) -> Result<bool, Error> {
        self.alive()?.put_schedule(record, expected).await
    }

    async fn delete_schedule(&self, id: &str) -> Result<bool, Error> {
        self.alive()?.delete_schedule(id).await
    }
}
