//! The stages that a caught failure has ended.

use crate::definition::WorkflowDefinition;
use crate::ports::Snapshot;

/// Returns whether the end of this stage is a part of a failure that a `catch` has turned into a value.
pub(super) fn is_caught(snapshot: &Snapshot, definition: &WorkflowDefinition, stage_id: &str) -> bool {
    let Some(position) = definition.stages.iter().position(|stage| stage.id == stage_id) else {
        return false;
    };
    definition.catches.iter().filter(|catch| catch.stages.contains(&position)).any(|catch| {
        let keeper = &definition.stages[catch.keeper()].id;
        snapshot.stages.iter().any(|stored| stored.stage_id == *keeper && stored.failure.is_some())
    })
}
