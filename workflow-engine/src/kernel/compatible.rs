//! Which definition a run is executed against: its own, or one that is declared compatible and fits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Kernel;
use super::registry::Registered;
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::ports::Snapshot;
use crate::records::{RunRecord, Status};
use crate::value::{Json, RunId};

impl Kernel {
    /// The definition that this process executes the run against.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, `DEFINITION_MISMATCH`; when the store cannot be read.
    pub(super) async fn definition_of(&self, run: &RunRecord) -> Result<&Arc<Registered>, Error> {
        self.definition_for(run.id, &run.workflow_id, &run.definition_fingerprint).await
    }

    /// The same for a run of which one knows this much. Only where another definition is declared compatible, the run
    /// is read.
    pub(super) async fn definition_for(
        &self,
        run_id: RunId,
        workflow_id: &str,
        fingerprint: &str,
    ) -> Result<&Arc<Registered>, Error> {
        let registered = self.registry().for_run(run_id, workflow_id, fingerprint)?;
        let definition = registered.definition();
        if definition.fingerprint() == fingerprint {
            return Ok(registered);
        }
        let snapshot = self.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let mismatch = if snapshot.stages.is_empty() {
            self.request_misfit(run_id, definition).await?
        } else {
            mismatch(&snapshot, definition)
        };
        let Some(reason) = mismatch else { return Ok(registered) };
        self.registry().withdraw(fingerprint);
        let error = Error::definition_does_not_fit(run_id, workflow_id, &reason);
        tracing::error!(run = %run_id, fingerprint, %error, "runs with this fingerprint are left to others from now on");
        Err(error)
    }

    /// Why a run that nobody has started cannot be started with this definition.
    async fn request_misfit(
        &self,
        run_id: RunId,
        definition: &WorkflowDefinition,
    ) -> Result<Option<String>, Error> {
        let request = self.store().request(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        if let Err(error) = (definition.check_input)(&request.input) {
            return Ok(Some(format!("its input is not valid: {error}")));
        }
        let given: BTreeMap<String, Json> = request
            .config
            .decode()
            .map_err(|error| Error::stored_value(run_id, "its configuration", error))?;
        let refused = definition.stages.iter().find_map(|stage| {
            let reason = stage.config.complete(given.get(&stage.id)).err()?;
            Some(format!("the configuration of its stage `{}` is not valid: {reason}", stage.id))
        });
        Ok(refused)
    }
}

/// Why the state of a run is none that this definition could have brought about; `None` where it is one.
///
/// A fingerprint does not tell the graph behind it. But a run keeps its stages with their places in the graph, and
/// counts what they wait for: where each of them waits for as many stages as this definition has before it that are not
/// completed, releasing them by this definition brings every counter to zero when it should.
fn mismatch(snapshot: &Snapshot, definition: &WorkflowDefinition) -> Option<String> {
    let stored: BTreeSet<&str> = snapshot.stages.iter().map(|stage| stage.stage_id.as_str()).collect();
    let known: BTreeSet<&str> = definition.stages.iter().map(|stage| stage.id.as_str()).collect();
    if let Some(removed) = stored.difference(&known).next() {
        return Some(format!("its stage `{removed}` is not there any more"));
    }
    if let Some(new) = known.difference(&stored).next() {
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
    // What is over waits for nothing; a rerun counts anew.
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

/// How many of these stages have not completed.
pub(super) fn open_stages(snapshot: &Snapshot, definition: &WorkflowDefinition, indices: &[usize]) -> u32 {
    let is_open = |index: &&usize| {
        let id = &definition.stages[**index].id;
        let stored = snapshot.stages.iter().find(|stage| stage.stage_id == *id);
        stored.is_some_and(|stage| stage.status != Status::Completed)
    };
    u32::try_from(indices.iter().filter(is_open).count()).unwrap_or(u32::MAX)
}
