//! The workflows that are registered in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::definition::{ConfigFault, StageDefinition, WorkflowDefinition};
use crate::error::Error;
use crate::telemetry::WorkflowMeters;
use crate::value::{IdMap, RunId};

/// A definition with an index of its stages by id, and with what this process counts of it.
#[derive(Debug)]
pub struct Registered {
    definition: &'static WorkflowDefinition,
    positions: IdMap<&'static str, usize>,
    meters: WorkflowMeters,
}

impl Registered {
    /// Returns the definition.
    #[must_use]
    pub const fn definition(&self) -> &'static WorkflowDefinition {
        self.definition
    }

    /// Returns the stage with this id, and its index.
    #[must_use]
    pub fn stage(&self, stage_id: &str) -> Option<(usize, &'static StageDefinition)> {
        let index = *self.positions.get(stage_id)?;
        Some((index, &self.definition.stages[index]))
    }

    /// Returns what this process counts of the workflow.
    pub(crate) const fn meters(&self) -> &WorkflowMeters {
        &self.meters
    }
}

/// Workflows by id and version, and by the fingerprints that their runs carry.
#[derive(Debug, Default)]
pub struct WorkflowRegistry {
    by_id: IdMap<&'static str, BTreeMap<u32, Arc<Registered>>>,
    by_fingerprint: IdMap<String, Executable>,
}

/// The workflow that runs with one fingerprint are executed against.
#[derive(Debug)]
struct Executable {
    registered: Arc<Registered>,
    /// Whether it was declared compatible, and a run did not match it.
    is_withdrawn: AtomicBool,
}

impl Executable {
    const fn new(registered: Arc<Registered>) -> Self {
        Self { registered, is_withdrawn: AtomicBool::new(false) }
    }
}

impl WorkflowRegistry {
    /// Adds a workflow. Several versions of one workflow, with one id, can be registered: new runs are created with the
    /// newest, unless their creator names another one, and each run is executed against its own.
    ///
    /// # Errors
    /// `DUPLICATE_WORKFLOW` when another workflow has its id and version; `INVALID_STAGE_ID` when a stage's id contains a
    /// bracket; `CONFIG_FIELD_CLASH` when two fields of a stage's configuration
    /// have the same key; `INVALID_CONFIG_RULE` when a default breaks the rule of its field, or a pattern, also one of
    /// an input, is not a regular expression.
    pub fn register(&mut self, definition: &'static WorkflowDefinition) -> Result<(), Error> {
        for stage in &definition.stages {
            check_stage_id(&definition.id, &stage.id)?;
            if let Some(fault) = stage.config.faults().first() {
                return Err(match fault {
                    ConfigFault::Clash(field) => Error::config_field_clash(&definition.id, &stage.id, field),
                    ConfigFault::Rule(reason) => {
                        Error::invalid_config_rule(&definition.id, &stage.id, reason)
                    }
                });
            }
        }
        if let Some((owner, reason)) = definition.input_fault() {
            return Err(Error::invalid_input_rule(&definition.id, owner, reason));
        }
        let versions = self.by_id.entry(&definition.id).or_default();
        if versions.contains_key(&definition.version) {
            return Err(Error::duplicate_workflow(&definition.id, definition.version));
        }
        let positions =
            definition.stages.iter().enumerate().map(|(index, stage)| (stage.id.as_str(), index)).collect();
        let meters =
            WorkflowMeters::new(&definition.id, definition.stages.iter().map(|stage| stage.id.as_str()));
        let registered = Arc::new(Registered { definition, positions, meters });
        versions.insert(definition.version, Arc::clone(&registered));
        self.by_fingerprint.insert(definition.fingerprint().to_owned(), Executable::new(registered));
        Ok(())
    }

    /// Declares that runs with this fingerprint, that of an earlier definition of a registered workflow, can be executed
    /// against this registered definition.
    ///
    /// The stored values of stages must decode as the new definition's types, and its graph must be the old one. The
    /// kernel compares the graph with each run's stored state before it executes anything of the run. Where they differ,
    /// this process withdraws the declaration and logs an error, and such runs wait as if it had never been made.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`; `INVALID_FINGERPRINT` when it is not a fingerprint; `DUPLICATE_WORKFLOW` when it belongs
    /// to another workflow.
    pub fn declare_compatible(
        &mut self,
        definition: &WorkflowDefinition,
        fingerprint: &str,
    ) -> Result<(), Error> {
        let registered = Arc::clone(self.of_type(definition)?);
        if fingerprint.len() != 64
            || !fingerprint.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(Error::invalid_fingerprint(&definition.id, fingerprint));
        }
        match self.by_fingerprint.get(fingerprint) {
            Some(found) if found.registered.definition.id != registered.definition.id => {
                Err(Error::fingerprint_of_other_workflow(fingerprint, &found.registered.definition.id))
            }
            Some(_) => Ok(()),
            None => {
                self.by_fingerprint.insert(fingerprint.to_owned(), Executable::new(registered));
                Ok(())
            }
        }
    }

    /// Withdraws a declaration that a run did not match.
    pub(super) fn withdraw(&self, fingerprint: &str) {
        if let Some(declared) = self.by_fingerprint.get(fingerprint) {
            declared.is_withdrawn.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the workflow that new runs of this id are created with: the newest version, or the one that is named.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`; the message lists the registered workflows or versions.
    pub fn for_new_run(&self, workflow_id: &str, version: Option<u32>) -> Result<&Arc<Registered>, Error> {
        let Some(versions) = self.by_id.get(workflow_id) else {
            return Err(Error::workflow_not_found(workflow_id, &self.known_ids()));
        };
        let found = match version {
            Some(version) => versions.get(&version),
            None => versions.values().next_back(),
        };
        found.ok_or_else(|| {
            let known: Vec<u32> = versions.keys().copied().collect();
            Error::version_not_found(workflow_id, version.unwrap_or_default(), &known)
        })
    }

    /// Returns the registered workflow with exactly this definition.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`; the message lists the registered workflows or versions.
    pub fn of_type(&self, definition: &WorkflowDefinition) -> Result<&Arc<Registered>, Error> {
        let registered = self.for_new_run(&definition.id, Some(definition.version))?;
        if registered.definition.fingerprint() == definition.fingerprint() {
            return Ok(registered);
        }
        Err(Error::definition_not_registered(&definition.id, definition.version))
    }

    /// Checks that a run with this fingerprint can be read with the types of a definition. A definition that this process
    /// does not have may have the same types; decoding its values then decides.
    ///
    /// # Errors
    /// `WORKFLOW_MISMATCH` where this process has another definition for the run.
    pub fn check_type(
        &self,
        run_id: RunId,
        fingerprint: &str,
        definition: &WorkflowDefinition,
    ) -> Result<(), Error> {
        if fingerprint == definition.fingerprint() {
            return Ok(());
        }
        match self.by_fingerprint(fingerprint) {
            Some(own) if own.definition.fingerprint() != definition.fingerprint() => {
                let (expected, actual) = (definition.version, own.definition.version);
                Err(Error::version_mismatch(run_id, &definition.id, expected, actual))
            }
            _ => Ok(()),
        }
    }

    /// Returns whether several versions of this workflow are registered.
    pub(crate) fn has_versions(&self, workflow_id: &str) -> bool {
        self.by_id.get(workflow_id).is_some_and(|versions| versions.len() > 1)
    }

    /// Returns the ids of the registered workflows.
    pub(super) fn workflow_ids(&self) -> Vec<String> {
        self.by_id.keys().map(|id| (*id).to_owned()).collect()
    }

    fn known_ids(&self) -> Vec<String> {
        let mut known: Vec<String> = self.by_id.keys().map(|id| format!("`{id}`")).collect();
        known.sort_unstable();
        known
    }

    /// Returns the workflow that a run with this fingerprint was created with, or one that is declared compatible with it.
    #[must_use]
    pub fn by_fingerprint(&self, fingerprint: &str) -> Option<&Arc<Registered>> {
        let found = self.by_fingerprint.get(fingerprint)?;
        (!found.is_withdrawn.load(Ordering::Relaxed)).then_some(&found.registered)
    }

    /// As [`by_fingerprint`](Self::by_fingerprint), for one run.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND` where its workflow is not registered, `DEFINITION_MISMATCH` where only another definition of
    /// it is registered.
    pub fn for_run(
        &self,
        run_id: RunId,
        workflow_id: &str,
        fingerprint: &str,
    ) -> Result<&Arc<Registered>, Error> {
        self.by_fingerprint(fingerprint).ok_or_else(|| {
            if self.by_id.contains_key(workflow_id) {
                Error::definition_mismatch(run_id, workflow_id)
            } else {
                Error::workflow_of_run_not_found(run_id, workflow_id)
            }
        })
    }

    /// Returns the registered definitions.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = &'static WorkflowDefinition> {
        self.by_id.values().flat_map(BTreeMap::values).map(|registered| registered.definition)
    }

    /// Checks that every workflow that is a step of a registered one is registered too.
    ///
    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, which names both.
    pub fn check_children(&self) -> Result<(), Error> {
        for definition in self.definitions() {
            for child in definition.stages.iter().filter_map(|stage| stage.child) {
                if self.for_new_run(child.id, Some(child.version)).is_err() {
                    return Err(Error::child_not_registered(&definition.id, child.id));
                }
            }
        }
        Ok(())
    }

    /// Returns what this process counts of each registered definition.
    pub(crate) fn meters(&self) -> impl Iterator<Item = &WorkflowMeters> {
        self.by_id.values().flat_map(BTreeMap::values).map(|registered| registered.meters())
    }

    /// Returns all fingerprints, including those that are declared compatible.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        let all = self.by_fingerprint.iter();
        let valid = all.filter(|(_, executable)| !executable.is_withdrawn.load(Ordering::Relaxed));
        valid.map(|(fingerprint, _)| fingerprint.clone()).collect()
    }
}

/// Refuses an id that would be read as a place of a stage. The macros refuse it before; this is for other callers.
fn check_stage_id(workflow_id: &str, stage_id: &str) -> Result<(), Error> {
    if stage_id.contains(['[', ']']) {
        return Err(Error::invalid_stage_id(workflow_id, stage_id));
    }
    Ok(())
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
