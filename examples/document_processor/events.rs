//! The engine's events, as far as this program shows them.

use std::time::Duration;

use workflow_engine::records::{Event, EventKind};

use crate::progress::Step;

/// What the event is for the reader; `None` where it changes nothing of what is shown.
///
/// The events up to number `seen` tell what an earlier program did. Of those only completed stages are of interest.
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

/// Why a stage failed for good.
pub fn failure(event: &Event) -> Option<String> {
    match &event.kind {
        EventKind::StageFailed { error, .. } => Some(error.clone()),
        _ => None,
    }
}
