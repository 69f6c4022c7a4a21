//! The output of a run, from the state of its stages.

use crate::definition::{Source, WorkflowDefinition, caught};
use crate::ports::Snapshot;
use crate::records::{StageRecord, StoredValue};
use crate::value::Json;

/// Returns the output of the run, where one stage delivers it and has completed.
pub(super) fn run_output(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Option<StoredValue> {
    let stored = |index: usize| -> Option<&StageRecord> {
        snapshot.stages.iter().find(|stored| stored.stage_id == definition.stages[index].id)
    };
    let mut source = &definition.output;
    loop {
        source = match source {
            Source::Outputs([end]) => return stored(*end)?.output.clone(),
            Source::Nothing => return Some(StoredValue::Inline(Json::null())),
            Source::Choice { stage, arms } => arms.get(stored(*stage)?.arm? as usize)?,
            Source::Caught { end, value, .. } => {
                let outcome = match (&stored(end - 1)?.failure, value) {
                    (Some(failure), _) => caught(Err(failure)),
                    (None, Source::Outputs([end])) => match stored(*end)?.output.as_ref()? {
                        StoredValue::Inline(value) => caught(Ok(value)),
                        StoredValue::Blob(_) => return None,
                    },
                    (None, _) => return None,
                };
                return Some(StoredValue::Inline(outcome));
            }
            Source::Outputs(_) | Source::Group(_) | Source::Bound { .. } => return None,
        };
    }
}
