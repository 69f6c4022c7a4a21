//! A scheduler without effect.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::ports::{Scheduler, SchedulerError};

/// A scheduler that accepts every instant and does nothing, for tests that call the host themselves.
///
/// ```
/// use std::sync::Arc;
///
/// use workflow_engine::serverless::ServerlessSettings;
/// use workflow_engine::testing::NoopScheduler;
///
/// let settings = ServerlessSettings::default().scheduler(Arc::new(NoopScheduler));
/// assert!(settings.scheduler.is_some());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopScheduler;

#[async_trait]
impl Scheduler for NoopScheduler {
    async fn wake_at(&self, _due: DateTime<Utc>) -> Result<(), SchedulerError> {
        Ok(())
    }
}
