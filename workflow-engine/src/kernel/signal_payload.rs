//! The stages that wait for a signal, and the check of its payload: against the stage's type, or in a process without the
//! code against the stored schema.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use super::Kernel;
use super::compatibility::definition_of;
use crate::definition::{StageDefinition, WorkflowDefinition};
use crate::error::{Error, ErrorCode};
use crate::records::RunRecord;
use crate::value::exact::path_of;
use crate::value::{Json, RunId};

/// The stages of one definition, and what they wait for.
#[derive(Debug, Default)]
pub(crate) struct SignalStages {
    /// Every stage: its id, its name, and the schema of its signals if it waits for one.
    stages: Vec<SignalStage>,
}

/// A stage, and what it waits for.
#[derive(Debug)]
pub(crate) struct SignalStage {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The schema of the payload; `None` for a stage that does not wait for a signal.
    pub(crate) schema: Option<Value>,
    /// Whether the stage waits for the end of a run that it has started.
    pub(crate) waits_for_child: bool,
}

/// The stages of stored definitions, by fingerprint. A definition never changes.
pub(super) type SignalStagesCache = Mutex<HashMap<String, Arc<SignalStages>>>;

/// A definition as [`WorkflowDefinition::to_json`] describes it.
#[derive(Deserialize)]
struct Description {
    stages: Vec<StageDescription>,
}

#[derive(Deserialize)]
struct StageDescription {
    id: String,
    name: String,
    wait: Option<WaitDescription>,
    child_workflow_id: Option<String>,
}

#[derive(Deserialize)]
struct WaitDescription {
    signal_schema: Option<Value>,
}

/// A stage that takes a signal, and the payload in its stored form.
pub(super) struct CheckedSignal {
    pub(super) stage_name: String,
    pub(super) payload: Json,
}

/// Checks a signal to a stage of a run.
///
/// # Errors
/// `STAGE_NOT_FOUND`, `NOT_A_SIGNAL_STAGE`, `INVALID_SIGNAL`; `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` where neither
/// this process nor the store has the definition.
pub(super) async fn check_signal(
    kernel: &Kernel,
    run: &RunRecord,
    stage_id: &str,
    payload: &Json,
) -> Result<CheckedSignal, Error> {
    let checked = match definition_of(kernel, run).await {
        Ok(registered) => {
            let definition = registered.definition();
            let stages = kernel.signal_stages(definition.fingerprint()).await?;
            let stages = stages.unwrap_or_else(|| Arc::new(SignalStages::of(definition)));
            let found = stages.waiting(run, stage_id)?;
            let stage = definition.stages.iter().find(|stage| stage.id == found.id);
            let stage = stage.ok_or_else(|| Error::stage_not_found(run.id, stage_id))?;
            CheckedSignal { stage_name: found.name.clone(), payload: check_by_type(stage, payload)? }
        }
        Err(error) if matches!(error.code(), ErrorCode::WorkflowNotFound | ErrorCode::DefinitionMismatch) => {
            let stages = kernel.signal_stages(&run.definition_fingerprint).await?.ok_or(error)?;
            let stage = stages.waiting(run, stage_id)?;
            check_by_stored_schema(stage, payload)?;
            CheckedSignal { stage_name: stage.name.clone(), payload: payload.clone() }
        }
        Err(error) => return Err(error),
    };
    let storable = kernel.config().limits.check(&checked.payload);
    storable.map_err(|fault| Error::unstorable_signal(stage_id, fault.code(), fault))?;
    Ok(checked)
}

/// Returns the stored form of a payload.
fn check_by_type(stage: &StageDefinition, payload: &Json) -> Result<Json, Error> {
    let stored = (stage.read_output)(payload).map_err(|error| unreadable(stage, payload, &error))?;
    let find_unknown = stage.wait.and_then(|wait| wait.signal);
    // If the stored form equals the given text, the type has read every field.
    if stored != *payload
        && let Some(path) = find_unknown.and_then(|find_unknown| find_unknown(payload))
    {
        let reason = format_args!("the type has no field `{}`", path.field());
        return Err(Error::invalid_signal(&stage.id, &path.owner_text(), reason));
    }
    Ok(stored)
}

fn unreadable(stage: &StageDefinition, payload: &Json, error: &serde_json::Error) -> Error {
    // A position in compact text has a path.
    let compact = payload.decode::<Value>().ok().and_then(|value| Json::write(&value).ok());
    let located = compact.and_then(|compact| {
        let error = (stage.read_output)(&compact).err()?;
        Some((path_of(compact.as_str(), &error), error))
    });
    match located {
        Some((path, error)) => Error::invalid_signal(&stage.id, &path, error),
        None => Error::invalid_signal(&stage.id, "", error),
    }
}

#[cfg(feature = "schemas")]
fn check_by_stored_schema(stage: &SignalStage, payload: &Json) -> Result<(), Error> {
    let Some(schema) = &stage.schema else { return Ok(()) };
    super::stored_schema::check_by_schema(schema, payload)
        .map_err(|refused| Error::invalid_signal(&stage.id, &refused.path, refused.reason))
}

#[cfg(not(feature = "schemas"))]
fn check_by_stored_schema(stage: &SignalStage, _: &Json) -> Result<(), Error> {
    let reason = "this process has neither the workflow nor the Cargo feature `schemas`, which checks payloads without it";
    Err(Error::invalid_signal(&stage.id, "", reason))
}

impl SignalStages {
    fn of(definition: &WorkflowDefinition) -> Self {
        let stages = definition.stages.iter().map(|stage| SignalStage {
            id: stage.id.clone(),
            name: stage.name.clone(),
            schema: stage.signal_schema().map(schemars::Schema::to_value),
            waits_for_child: stage.child.is_some(),
        });
        Self { stages: stages.collect() }
    }

    fn parse(description: &Json) -> Result<Self, serde_json::Error> {
        let Description { stages } = description.decode()?;
        let stages = stages.into_iter().map(|stage| SignalStage {
            id: stage.id,
            name: stage.name,
            schema: stage.wait.and_then(|wait| wait.signal_schema),
            waits_for_child: stage.child_workflow_id.is_some(),
        });
        Ok(Self { stages: stages.collect() })
    }

    /// Returns the number of all stages.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.stages.len()).unwrap_or(u32::MAX)
    }

    /// Returns the stages that wait for a signal.
    pub(crate) fn all_waiting(&self) -> impl Iterator<Item = &SignalStage> {
        self.stages.iter().filter(|stage| stage.schema.is_some())
    }

    /// Returns a stage of a run.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND`.
    pub(crate) fn stage(&self, run_id: RunId, stage_id: &str) -> Result<&SignalStage, Error> {
        let stage = self.stages.iter().find(|stage| stage.id == stage_id);
        stage.ok_or_else(|| Error::stage_not_found(run_id, stage_id))
    }

    /// Returns a stage that waits for a signal.
    fn waiting(&self, run: &RunRecord, stage_id: &str) -> Result<&SignalStage, Error> {
        let stage = self.stage(run.id, stage_id)?;
        if stage.schema.is_none() {
            let known: Vec<&str> = self.all_waiting().map(|stage| stage.id.as_str()).collect();
            return Err(Error::not_a_signal_stage(run.id, stage_id, &known));
        }
        Ok(stage)
    }
}

impl Kernel {
    /// Returns the stages of a definition: of this process, or stored by another one. `None` where neither has it.
    ///
    /// # Errors
    /// When the store cannot be read, or holds something else than a definition.
    pub(crate) async fn signal_stages(&self, fingerprint: &str) -> Result<Option<Arc<SignalStages>>, Error> {
        let cache = &self.signal_stages;
        if let Some(known) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(fingerprint) {
            return Ok(Some(Arc::clone(known)));
        }
        let stages = match self.registry().by_fingerprint(fingerprint) {
            Some(registered) if registered.definition().fingerprint() == fingerprint => {
                SignalStages::of(registered.definition())
            }
            _ => {
                let Some(stored) = self.store().definition(fingerprint).await? else { return Ok(None) };
                SignalStages::parse(&stored.description)
                    .map_err(|error| Error::stored_definition(fingerprint, error))?
            }
        };
        let stages = Arc::new(stages);
        let mut known = cache.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(fingerprint.to_owned(), Arc::clone(&stages));
        Ok(Some(stages))
    }
}
