//! What starting a run writes.

use super::WorkflowRegistry;
use crate::definition::WorkflowDefinition;
use crate::ports::{Change, NewStage, StartPlans};
use crate::records::Claimant;

/// How runs are started, for whoever claims them.
pub(super) fn starts(registry: &WorkflowRegistry) -> StartPlans {
    let mut starts = StartPlans::default();
    // A run without stages cannot be started, which whoever has claimed it finds out.
    for definition in registry.definitions().filter(|definition| !definition.stages.is_empty()) {
        starts.insert(definition.fingerprint().to_owned(), start_changes(definition, None, 0));
    }
    starts
}

/// The changes that start a run of this workflow: its stages, and jobs for those that wait for nothing. The first
/// `slots` jobs are claimed at once.
pub(super) fn start_changes(
    definition: &WorkflowDefinition,
    claim: Option<&Claimant>,
    slots: usize,
) -> Vec<Change> {
    let stages = definition
        .stages
        .iter()
        .map(|stage| NewStage {
            stage_id: stage.id.clone(),
            stage_name: stage.name.clone(),
            stage_number: stage.number,
            execution_group: stage.execution_group,
            waiting_on: count(stage.predecessors.len()),
        })
        .collect();
    let heads = definition.stages.iter().filter(|stage| stage.predecessors.is_empty());
    let jobs = heads.enumerate().map(|(position, stage)| Change::Enqueue {
        stage_id: stage.id.clone(),
        max_attempts: stage.retry.max_attempts,
        claim: claim.filter(|_| position < slots).cloned(),
    });
    std::iter::once(Change::StartRun { stages, waiting_on: count(definition.output_stages.len()) })
        .chain(jobs)
        .collect()
}

/// Edges of one stage are counted in 32 bits; the macro refuses workflows far below that.
fn count(edges: usize) -> u32 {
    u32::try_from(edges).unwrap_or(u32::MAX)
}
