//! The starts and deadlines of a store that dies.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::CrashingStore;
use crate::error::Error;
use crate::ports::Timers;
use crate::records::RunRecord;
use crate::value::RunId;

#[async_trait]
impl Timers for CrashingStore {
    async fn due_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        self.alive()?.due_runs(definitions, limit).await
    }

    async fn overdue_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        self.alive()?.overdue_runs(limit).await
    }

    async fn next_timer(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        self.alive()?.next_timer(definitions).await
    }
}
