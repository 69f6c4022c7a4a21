//! The definition that a run is executed against: its own, or one that is declared compatible and matches its state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Kernel;
use super::registry::Registered;
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::ports::Snapshot;
use crate::records::{RunRecord, Status};
use crate::value::{Json, RunId};

/// Returns the definition that this process executes the run against.
///
/// # Errors
/// `WORKFLOW_NOT_FOUND`, `DEFINITION_MISMATCH`; when the store cannot be read.
pub(super) async fn definition_of<'a>(
    kernel: &'a Kernel,
    run: &RunRecord,
) -> Result<&'a Arc<Registered>, Error> {
    definition_for(kernel, run.id, &run.workflow_id, &run.definition_fingerprint).await
}

/// As [`definition_of`], for a caller that has not read the run. It is read only where its definition is one that is
/// declared compatible.
pub(super) async fn definition_for<'a>(
    kernel: &'a Kernel,
    run_id: RunId,
    workflow_id: &str,
    fingerprint: &str,
) -> Result<&'a Arc<Registered>, Error> {
    let registered = kernel.registry().for_run(run_id, workflow_id, fingerprint)?;
    let definition = registered.definition();
    if definition.fingerprint() == fingerprint {
        return Ok(registered);
    }
    // Before anything of the run is executed, its stages, their places and its counters must be a state that the
    // declared definition could have produced.
    let snapshot = kernel.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let mismatch = if snapshot.stages.is_empty() {
        request_mismatch(kernel, run_id, definition).await?
    } else {
        state_mismatch(&snapshot, definition)
    };
    let Some(reason) = mismatch else { return Ok(registered) };
    kernel.registry().withdraw(fingerprint);
    let error = Error::definition_does_not_fit(run_id, workflow_id, &reason);
    tracing::error!(run = %run_id, fingerprint, %error, "this process no longer executes runs with this fingerprint");
    Err(error)
}

/// Returns why a run that has not started cannot start with this definition; `None` where it can.
async fn request_mismatch(
    kernel: &Kernel,
    run_id: RunId,
    definition: &WorkflowDefinition,
) -> Result<Option<String>, Error> {
    let request = kernel.store().request(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    if let Err(error) = definition.check_input(&request.input) {
        return Ok(Some(format!("its input is not valid: {error}")));
    }
    let config: BTreeMap<String, Json> =
        request.config.decode().map_err(|error| Error::stored_value(run_id, "its configuration", error))?;
    let refused = definition.stages.iter().find_map(|stage| {
        let reason = stage.config.complete(config.get(&stage.id)).err()?;
        Some(format!("the configuration of its stage `{}` is not valid: {reason}", stage.id))
    });
    Ok(refused)
}

/// Returns why this definition cannot have produced the state of a run; `None` where it can.
///
/// A fingerprint does not reveal the graph behind it. But a run stores its stages with their places in the graph, and
/// counts their open predecessors. Where each counter equals the number of open predecessors in this definition,
/// releasing the stages by this definition brings every counter to zero at the right time.
fn state_mismatch(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Option<String> {
    let stored: BTreeSet<&str> = snapshot.stages.iter().map(|stage| stage.stage_id.as_str()).collect();
    let defined: BTreeSet<&str> = definition.stages.iter().map(|stage| stage.id.as_str()).collect();
    if let Some(removed) = stored.difference(&defined).next() {
        return Some(format!("its stage `{removed}` no longer exists"));
    }
    if let Some(new) = defined.difference(&stored).next() {
        return Some(format!("stage `{new}` is new"));
    }
    let moved = definition.stages.iter().find(|stage| {
        let place = (stage.number, stage.execution_group);
        snapshot.stages.iter().any(|stored| {
            stored.stage_id == stage.id && (stored.stage_number, stored.execution_group) != place
        })
    });
    if let Some(moved) = moved {
        return Some(format!("its stage `{}` has another place in the graph", moved.id));
    }
    // A terminal run waits for nothing, and a rerun counts anew.
    if snapshot.run.status != Status::Running {
        return None;
    }
    let open = |indices: &[usize]| open_stages(snapshot, definition, indices);
    if snapshot.run.waiting_on != open(&definition.output_stages) {
        return Some("other stages deliver its output".to_owned());
    }
    definition.stages.iter().find_map(|stage| {
        let stored = snapshot.stages.iter().find(|stored| stored.stage_id == stage.id)?;
        let differs = stored.waiting_on != open(&stage.predecessors);
        differs.then(|| format!("its stage `{}` waits for other stages", stage.id))
    })
}

/// Returns how many of these stages have not completed.
pub(super) fn open_stages(snapshot: &Snapshot, definition: &WorkflowDefinition, indices: &[usize]) -> u32 {
    let is_open = |index: &&usize| {
        let id = &definition.stages[**index].id;
        let stored = snapshot.stages.iter().find(|stage| stage.stage_id == *id);
        stored.is_some_and(|stage| stage.status != Status::Completed)
    };
    u32::try_from(indices.iter().filter(is_open).count()).unwrap_or(u32::MAX)
}
