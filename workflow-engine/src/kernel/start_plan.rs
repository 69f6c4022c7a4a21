//! The changes that start a run.

use std::time::Duration;

use super::registry::WorkflowRegistry;
use crate::definition::{StageDefinition, WorkflowDefinition};
use crate::ports::{Change, NewStage, StartPlans};
use crate::records::Claimant;
use crate::value::StageKey;

/// Returns how runs of the registered definitions are started, for the store that claims them.
pub(super) fn start_plans(registry: &WorkflowRegistry) -> StartPlans {
    let mut plans = StartPlans::default();
    // A run without stages cannot be started. It has no plan, so its claimant reads it and fails it.
    for definition in registry.definitions().filter(|definition| !definition.stages.is_empty()) {
        plans.insert(definition.fingerprint().to_owned(), start_changes(definition, None, 0));
    }
    plans
}

/// Returns the changes that start a run of this workflow: its stages, and jobs for those without predecessors. The first
/// `slots` jobs are claimed in the same commit.
pub(super) fn start_changes(
    definition: &WorkflowDefinition,
    claimant: Option<&Claimant>,
    slots: usize,
) -> Vec<Change> {
    let stages = definition
        .stages
        .iter()
        .map(|stage| NewStage {
            stage_key: stage.key(),
            stage_name: stage.name.clone(),
            stage_number: stage.number,
            execution_group: stage.execution_group,
            waiting_on: stage.source.width(),
        })
        .collect();
    let mut changes = vec![Change::StartRun { stages, waiting_on: definition.output.width() }];
    let mut slots = slots;
    for stage in definition.stages.iter().filter(|stage| stage.predecessors.is_empty()) {
        let claim = claimant.filter(|_| slots > 0 && stage.delay.is_none()).cloned();
        slots -= usize::from(claim.is_some());
        changes.push(Change::Enqueue {
            stage_key: stage.key(),
            max_attempts: stage.retry.max_attempts,
            max_crashes: stage.retry.max_crashes,
            claim,
        });
        changes.extend(delay_of(stage));
    }
    changes
}

/// Returns the stages that can run when the run starts: those without predecessors and without a delay.
pub(super) fn first_stages(definition: &WorkflowDefinition) -> impl Iterator<Item = &StageDefinition> {
    definition.stages.iter().filter(|stage| stage.predecessors.is_empty() && stage.delay.is_none())
}

/// Returns the change that delays a stage which the same decision makes ready; `None` without a `delay` before it.
pub(super) fn delay_of(stage: &StageDefinition) -> Option<Change> {
    delay_change(&stage.key(), stage.delay)
}

/// As [`delay_of`], for a stage that need not be of a definition in this process.
pub(super) fn delay_change(stage_key: &StageKey, delay: Option<Duration>) -> Option<Change> {
    delay.map(|delay| Change::Delay { stage_key: stage_key.clone(), delay })
}
