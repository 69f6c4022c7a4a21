//! The check of a signal's payload: against the stage's type, or in a process without the code against the stored schema.

use std::sync::Arc;

use serde_json::Value;

use super::Kernel;
use super::compatibility::definition_of;
use super::definition_stages::{DefinitionStage, DefinitionStages};
use crate::definition::StageDefinition;
use crate::error::{Error, ErrorCode};
use crate::records::RunRecord;
use crate::value::Json;
use crate::value::exact::path_of;

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
            let stages = kernel.definition_stages(definition.fingerprint()).await?;
            let stages = stages.unwrap_or_else(|| Arc::new(DefinitionStages::of(definition)));
            let found = signal_stage(&stages, run, stage_id)?;
            let stage = definition.stages.iter().find(|stage| stage.id == found.id);
            let stage = stage.ok_or_else(|| Error::stage_not_found(run.id, stage_id))?;
            CheckedSignal { stage_name: found.name.clone(), payload: check_by_type(stage, payload)? }
        }
        Err(error) if matches!(error.code(), ErrorCode::WorkflowNotFound | ErrorCode::DefinitionMismatch) => {
            let stages = kernel.definition_stages(&run.definition_fingerprint).await?.ok_or(error)?;
            let stage = signal_stage(&stages, run, stage_id)?;
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
fn check_by_stored_schema(stage: &DefinitionStage, payload: &Json) -> Result<(), Error> {
    let Some(schema) = &stage.signal_schema else { return Ok(()) };
    super::stored_schema::check_by_schema(schema, payload)
        .map_err(|refused| Error::invalid_signal(&stage.id, &refused.path, refused.reason))
}

#[cfg(not(feature = "schemas"))]
fn check_by_stored_schema(stage: &DefinitionStage, _: &Json) -> Result<(), Error> {
    let reason = "this process has neither the workflow nor the Cargo feature `schemas`, which checks payloads without it";
    Err(Error::invalid_signal(&stage.id, "", reason))
}

/// Returns a stage that waits for a signal.
fn signal_stage<'s>(
    stages: &'s DefinitionStages,
    run: &RunRecord,
    stage_id: &str,
) -> Result<&'s DefinitionStage, Error> {
    let stage = stages.stage(run.id, stage_id)?;
    if stage.signal_schema.is_none() {
        let known: Vec<&str> = stages.with_signals().map(|stage| stage.id.as_str()).collect();
        return Err(Error::not_a_signal_stage(run.id, stage_id, &known));
    }
    Ok(stage)
}
