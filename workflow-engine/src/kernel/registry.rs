//! The workflows that this process has.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::language::{StageDefinition, WorkflowDefinition};

/// A definition with an index of its stages by id.
#[derive(Debug)]
pub struct Registered {
    definition: &'static WorkflowDefinition,
    positions: HashMap<&'static str, usize>,
}

impl Registered {
    /// The definition.
    #[must_use]
    pub const fn definition(&self) -> &'static WorkflowDefinition {
        self.definition
    }

    /// The stage with this id, and its index.
    #[must_use]
    pub fn stage(&self, stage_id: &str) -> Option<(usize, &'static StageDefinition)> {
        let index = *self.positions.get(stage_id)?;
        Some((index, &self.definition.stages[index]))
    }
}

/// Workflows by id, and by the fingerprint that their runs carry.
#[derive(Debug, Default)]
pub struct WorkflowRegistry {
    by_id: HashMap<&'static str, Arc<Registered>>,
    by_fingerprint: HashMap<&'static str, Arc<Registered>>,
}

impl WorkflowRegistry {
    /// Adds a workflow.
    ///
    /// # Errors
    /// `DUPLICATE_WORKFLOW` when another one has its id; `CONFIG_FIELD_CLASH` when two fields of a stage's configuration
    /// have one key; `INVALID_CONFIG_RULE` when a default breaks the rule of its field, or a pattern is no regular
    /// expression.
    pub fn register(&mut self, definition: &'static WorkflowDefinition) -> Result<(), Error> {
        for stage in &definition.stages {
            if let Some(fault) = stage.config.faults().first() {
                return Err(Error::config_fault(&definition.id, &stage.id, fault));
            }
        }
        if self.by_id.contains_key(definition.id.as_str()) {
            return Err(Error::duplicate_workflow(&definition.id));
        }
        let positions =
            definition.stages.iter().enumerate().map(|(index, stage)| (stage.id.as_str(), index)).collect();
        let registered = Arc::new(Registered { definition, positions });
        self.by_id.insert(&definition.id, Arc::clone(&registered));
        self.by_fingerprint.insert(definition.fingerprint(), registered);
        Ok(())
    }

    /// The workflow that new runs of this id are created with.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, naming those that are registered.
    pub fn by_id(&self, workflow_id: &str) -> Result<&Arc<Registered>, Error> {
        self.by_id.get(workflow_id).ok_or_else(|| {
            let mut known: Vec<String> = self.by_id.keys().map(|id| format!("`{id}`")).collect();
            known.sort_unstable();
            Error::workflow_not_found(workflow_id, &known)
        })
    }

    /// The workflow that a run with this fingerprint was created with.
    #[must_use]
    pub fn by_fingerprint(&self, fingerprint: &str) -> Option<&Arc<Registered>> {
        self.by_fingerprint.get(fingerprint)
    }

    /// The fingerprints of all.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        self.by_fingerprint.keys().map(|&fingerprint| fingerprint.to_owned()).collect()
    }
}
