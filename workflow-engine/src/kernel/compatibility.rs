//! The definition that a run is executed against: its own, or one that is declared compatible and matches its state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Kernel;
use super::caught_stages::is_caught;
use super::registry::Registered;
use crate::definition::{Progress, Source, WorkflowDefinition};
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
    if let Some(reason) = skips_mismatch(snapshot, definition) {
        return Some(reason);
    }
    if snapshot.run.waiting_on != open_completions(snapshot, definition, &definition.output) {
        return Some("other stages deliver its output".to_owned());
    }
    definition.stages.iter().find_map(|stage| {
        let stored = snapshot.stages.iter().find(|stored| stored.stage_id == stage.id)?;
        // A stage that was skipped, or ended with a failure that a `catch` has caught, waits for nothing.
        let is_apart = stored.status.is_terminal() && stored.status != Status::Completed;
        let differs = !is_apart && stored.waiting_on != open_completions(snapshot, definition, &stage.source);
        differs.then(|| format!("its stage `{}` waits for other stages", stage.id))
    })
}

/// Returns why the skipped stages of a run are not those that its choices skip in this definition; `None` where they are.
fn skips_mismatch(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Option<String> {
    let stored =
        |index: usize| snapshot.stages.iter().find(|stored| stored.stage_id == definition.stages[index].id);
    let mut skipped = BTreeSet::new();
    for (index, stage) in definition.stages.iter().enumerate() {
        let arm = stored(index).and_then(|stored| stored.arm);
        match (&stage.choice, arm) {
            (Some(choice), Some(arm)) if (arm as usize) < choice.arms.len() => {
                skipped.extend(choice.skipped(arm as usize));
            }
            (_, Some(_)) => {
                return Some(format!("the arm that its stage `{}` has chosen is missing", stage.id));
            }
            (_, None) => {}
        }
    }
    let differs = |index: &usize| {
        let is_skipped = stored(*index).is_some_and(|stored| stored.status == Status::Skipped);
        // A failure in a `catch` skips stages too.
        is_skipped != skipped.contains(index)
            && !is_caught(snapshot, definition, &definition.stages[*index].id)
    };
    let stage = &definition.stages[(0..definition.stages.len()).find(differs)?];
    Some(format!("its stage `{}` is in another arm", stage.id))
}

/// Returns how many of the completions that make up a value are still to come.
pub(super) fn open_completions(snapshot: &Snapshot, definition: &WorkflowDefinition, source: &Source) -> u32 {
    source.open(&|index| {
        let id = &definition.stages[index].id;
        let stored = snapshot.stages.iter().find(|stage| stage.stage_id == *id);
        // A stage without a row holds nothing up.
        stored.map_or(Progress { is_completed: true, arm: None, has_failure: false }, |stage| Progress {
            is_completed: stage.status == Status::Completed,
            arm: stage.arm,
            has_failure: stage.failure.is_some(),
        })
    })
}
