//! The schedules of a store behind an interceptor.

use async_trait::async_trait;
use workflow_engine::Error;
use workflow_engine::ports::{DueSchedules, ScheduleWaits, Schedules};
use workflow_engine::records::ScheduleRecord;

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Schedules for Intercepted<I> {
    async fn schedule(&self, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        self.read("schedule", self.store.schedule(id)).await
    }

    async fn schedules(&self, after: Option<&str>, limit: usize) -> Result<Vec<ScheduleRecord>, Error> {
        self.read("schedules", self.store.schedules(after, limit)).await
    }

    async fn due_schedules(&self, workflow_ids: &[String], limit: usize) -> Result<DueSchedules, Error> {
        self.read("due_schedules", self.store.due_schedules(workflow_ids, limit)).await
    }

    async fn schedule_waits(&self, workflow_ids: &[String]) -> Result<ScheduleWaits, Error> {
        self.read("schedule_waits", self.store.schedule_waits(workflow_ids)).await
    }

    async fn put_schedule(&self, record: &ScheduleRecord, expected: Option<u64>) -> Result<bool, Error> {
        self.write("put_schedule", self.store.put_schedule(record, expected)).await
    }

    async fn delete_schedule(&self, id: &str) -> Result<bool, Error> {
        self.write("delete_schedule", self.store.delete_schedule(id)).await
    }
}
