//! The stages of a definition as its description has them, so that a process without the code knows them, too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use super::Kernel;
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::value::{Json, RunId};

/// The stages of one definition, and what they wait for.
#[derive(Debug, Default)]
pub(crate) struct DefinitionStages {
    stages: Vec<DefinitionStage>,
}

/// A stage, and what it waits for.
#[derive(Debug)]
pub(crate) struct DefinitionStage {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The schema of the signals for which it waits, if it does.
    pub(crate) signal_schema: Option<Value>,
    /// Whether the stage waits for the end of a run that it has started.
    pub(crate) waits_for_child: bool,
}

/// The stages of stored definitions, by fingerprint. A definition never changes.
pub(super) type DefinitionStagesCache = Mutex<HashMap<String, Arc<DefinitionStages>>>;

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

impl DefinitionStages {
    pub(super) fn of(definition: &WorkflowDefinition) -> Self {
        let stages = definition.stages.iter().map(|stage| DefinitionStage {
            id: stage.id.clone(),
            name: stage.name.clone(),
            signal_schema: stage.signal_schema().map(schemars::Schema::to_value),
            waits_for_child: stage.child.is_some(),
        });
        Self { stages: stages.collect() }
    }

    fn parse(description: &Json) -> Result<Self, serde_json::Error> {
        let Description { stages } = description.decode()?;
        let stages = stages.into_iter().map(|stage| DefinitionStage {
            id: stage.id,
            name: stage.name,
            signal_schema: stage.wait.and_then(|wait| wait.signal_schema),
            waits_for_child: stage.child_workflow_id.is_some(),
        });
        Ok(Self { stages: stages.collect() })
    }

    /// Returns the number of all stages.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.stages.len()).unwrap_or(u32::MAX)
    }

    /// Returns the stages that wait for a signal.
    pub(crate) fn with_signals(&self) -> impl Iterator<Item = &DefinitionStage> {
        self.stages.iter().filter(|stage| stage.signal_schema.is_some())
    }

    /// Returns a stage of a run.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND`.
    pub(crate) fn stage(&self, run_id: RunId, stage_id: &str) -> Result<&DefinitionStage, Error> {
        let stage = self.stages.iter().find(|stage| stage.id == stage_id);
        stage.ok_or_else(|| Error::stage_not_found(run_id, stage_id))
    }
}

impl Kernel {
    /// Returns the stages of a definition: of this process, or stored by another one. `None` where neither has it.
    ///
    /// # Errors
    /// When the store cannot be read, or holds something else than a definition.
    pub(crate) async fn definition_stages(
        &self,
        fingerprint: &str,
    ) -> Result<Option<Arc<DefinitionStages>>, Error> {
        let cache = &self.definition_stages;
        if let Some(known) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(fingerprint) {
            return Ok(Some(Arc::clone(known)));
        }
        let stages = match self.registry().by_fingerprint(fingerprint) {
            Some(registered) if registered.definition().fingerprint() == fingerprint => {
                DefinitionStages::of(registered.definition())
            }
            _ => {
                let Some(stored) = self.store().definition(fingerprint).await? else { return Ok(None) };
                DefinitionStages::parse(&stored.description)
                    .map_err(|error| Error::stored_definition(fingerprint, error))?
            }
        };
        let stages = Arc::new(stages);
        let mut known = cache.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(fingerprint.to_owned(), Arc::clone(&stages));
        Ok(Some(stages))
    }
}
