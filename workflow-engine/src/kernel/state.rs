//! The values that the stages of this process need.

use super::Kernel;
use crate::definition::{StageDefinition, StateType, WorkflowDefinition};
use crate::error::{Error, MissingState};
#[cfg(feature = "testing")]
use crate::language::Stubs;

/// Checks that every stage of these workflows has its state. `has` returns whether there is a value of a type for a stage.
///
/// # Errors
/// `MISSING_STATE`, with each missing type and its first stage.
pub(crate) fn check_state(
    definitions: impl Iterator<Item = &'static WorkflowDefinition>,
    has: impl Fn(&StageDefinition, &StateType) -> bool,
    present: &[&str],
) -> Result<(), Error> {
    let mut definitions: Vec<_> = definitions.collect();
    definitions.sort_unstable_by_key(|definition| (definition.id.as_str(), definition.version));
    let mut seen: Vec<StateType> = Vec::new();
    let mut missing: Vec<MissingState<'_>> = Vec::new();
    for definition in definitions {
        for stage in &definition.stages {
            for state in stage.state.iter().filter(|state| !has(stage, state)) {
                if !seen.contains(state) {
                    seen.push(*state);
                    missing.push(lack(&definition.id, stage, state));
                }
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::missing_state(&missing, present)) }
}

fn lack<'a>(workflow: &'a str, stage: &'a StageDefinition, state: &StateType) -> MissingState<'a> {
    MissingState { workflow, stage: &stage.id, name: state.name(), type_name: state.type_name() }
}

impl Kernel {
    /// Checks that every registered workflow has its state, before a host executes them.
    ///
    /// # Errors
    /// `MISSING_STATE`.
    pub(crate) fn check_state(&self) -> Result<(), Error> {
        let present = self.config().extensions.type_names();
        check_state(self.registry().definitions(), |stage, state| self.has_state(stage, state), &present)
    }

    /// Checks that one stage has its state. An engine that executes nothing by itself is built without it, and a command
    /// can still ask it to execute a job.
    ///
    /// # Errors
    /// `MISSING_STATE`.
    pub(super) fn check_state_of(&self, workflow: &str, stage: &StageDefinition) -> Result<(), Error> {
        match stage.state.iter().find(|state| !self.has_state(stage, state)) {
            None => Ok(()),
            Some(state) => {
                let present = self.config().extensions.type_names();
                Err(Error::missing_state(&[lack(workflow, stage, state)], &present))
            }
        }
    }

    /// Returns whether there is a value of a type for a stage. The stub of a test takes none.
    fn has_state(&self, stage: &StageDefinition, state: &StateType) -> bool {
        #[cfg(feature = "testing")]
        if self.is_replaced(&stage.id) {
            return true;
        }
        #[cfg(not(feature = "testing"))]
        let _ = stage;
        self.config().extensions.contains(state.type_id())
    }

    /// Returns whether a test replaces the body and the check of this stage.
    #[cfg(feature = "testing")]
    pub(super) fn is_replaced(&self, stage_id: &str) -> bool {
        self.config().extensions.get::<Stubs>().is_some_and(|stubs| stubs.replace(stage_id))
    }
}
