//! The intercepted calls of starts and deadlines.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflow_engine::ports::Timers;
use workflow_engine::records::RunRecord;
use workflow_engine::{Error, RunId};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Timers for Intercepted<I> {
    async fn due_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        self.read("due_runs", self.store.due_runs(definitions, limit)).await
    }

    async fn overdue_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        self.read("overdue_runs", self.store.overdue_runs(limit)).await
    }

    async fn next_timer(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        self.read("next_timer", self.store.next_timer(definitions)).await
    }
}
