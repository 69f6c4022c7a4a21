//! The check of a new run's input, configuration and metadata.

use std::collections::BTreeMap;

use super::registry::Registered;
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::records::RunRequest;
use crate::value::{Json, Limits, nearest};

/// Checks input and configuration against the compiled types, and all parts against the limits. Returns their stored
/// form, and the complete configuration by stage id.
pub(super) fn check_request(
    registered: &Registered,
    limits: Limits,
    input: &Json,
    config: Option<&Json>,
    metadata: Option<Json>,
) -> Result<(RunRequest, BTreeMap<String, Json>), Error> {
    let definition = registered.definition();
    let input =
        definition.check_input(input).map_err(|reason| Error::invalid_input(&definition.id, reason))?;
    let given: BTreeMap<String, Json> = match config {
        None => BTreeMap::new(),
        Some(config) => config.decode().map_err(|error| {
            Error::invalid_config(&definition.id, format_args!("expected an object of stage ids: {error}"))
        })?,
    };
    if let Some(unknown) = given.keys().find(|stage_id| registered.stage(stage_id).is_none()) {
        return Err(Error::invalid_config(&definition.id, unknown_stage(definition, unknown)));
    }
    let mut config = BTreeMap::new();
    for stage in &definition.stages {
        let complete = stage.config.complete(given.get(&stage.id)).map_err(|reason| {
            Error::invalid_config(&definition.id, format_args!("stage `{}`: {reason}", stage.id))
        })?;
        if stage.has_configured_settings() {
            stage.settings(&complete).map_err(|reason| {
                Error::invalid_config(&definition.id, format_args!("stage `{}`: {reason}", stage.id))
            })?;
        }
        config.insert(stage.id.clone(), complete);
    }
    let stored = Json::write(&config).map_err(|error| Error::invalid_config(&definition.id, error))?;
    let request = RunRequest { input, config: stored, metadata };
    check_sizes(limits, &definition.id, &request)?;
    Ok((request, config))
}

/// Refuses values that could not be read back.
pub(super) fn check_sizes(limits: Limits, workflow_id: &str, request: &RunRequest) -> Result<(), Error> {
    let RunRequest { input, config, metadata } = request;
    let parts = [("input", Some(input)), ("configuration", Some(config)), ("metadata", metadata.as_ref())];
    for (what, part) in parts {
        let storable = part.map_or(Ok(()), |part| limits.check(part));
        storable.map_err(|fault| Error::unstorable(what, workflow_id, fault.code(), fault))?;
    }
    Ok(())
}

fn unknown_stage(definition: &WorkflowDefinition, unknown: &str) -> String {
    let known: Vec<&str> = definition.stages.iter().map(|stage| stage.id.as_str()).collect();
    let meant = nearest(unknown, &known).map(|id| format!(", did you mean `{id}`")).unwrap_or_default();
    format!("it has no stage `{unknown}`{meant}; its stages are `{}`", known.join("`, `"))
}
