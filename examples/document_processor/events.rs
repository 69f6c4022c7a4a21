//! Converts the engine's events to the steps that this program shows.

use std::time::Duration;

use workflow_engine::records::{Event, EventKind};

use crate::progress::Step;

/// Returns the step to show for an event, if any.
///
/// Events up to number `seen` are from an earlier program; of those, only completed stages are shown.
pub fn step(event: Event, seen: u64) -> Option<Step> {
    let happened_before = event.sequence <= seen;
    match event.kind {
        EventKind::StageCompleted { stage_id, .. } if happened_before => {
            Some(Step::AlreadyCompleted { stage: stage_id })
        }
        _ if happened_before => None,
        EventKind::StageStarted { stage_id, .. } => Some(Step::Started { stage: stage_id }),
        EventKind::StageRetrying { stage_id, error, .. } => Some(Step::Retrying { stage: stage_id, error }),
        EventKind::StageCompleted { stage_id, duration_ms, .. } => {
            Some(Step::Completed { stage: stage_id, took: Duration::from_millis(duration_ms) })
        }
        _ => None,
    }
}

/// Returns the error of a stage that failed permanently.
pub fn failure(event: &Event) -> Option<String> {
    match &event.kind {
        EventKind::StageFailed { error, .. } => Some(error.clone()),
        _ => None,
    }
}
