//! A plugin whose dead letters the tests replay.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use workflow_engine::RunId;
use workflow_engine::ports::{DeliveryError, DeliveryPolicy, Plugin};
use workflow_engine::records::{Event, EventType};

/// Refuses each event at its first delivery, and takes it at the second: after a replay.
#[derive(Default)]
pub struct Clerk(Mutex<HashSet<(RunId, u64)>>);

#[async_trait]
impl Plugin for Clerk {
    fn name(&self) -> &'static str {
        "clerk"
    }

    fn event_types(&self) -> &[EventType] {
        &[EventType::WorkflowFailed]
    }

    fn policy(&self) -> DeliveryPolicy {
        let mut policy = DeliveryPolicy::default();
        policy.max_retries = Some(0);
        policy
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.insert((event.run_id, event.sequence)) { Err("the office is closed".into()) } else { Ok(()) }
    }
}
