//! What hangs on runs and stages, in memory.

use std::collections::BTreeMap;

use super::state::State;
use crate::ports::AnnotationFilter;
use crate::records::{AiCallRecord, AnnotationRecord, ArtifactRecord, Statement};
use crate::stores::working_set::{SideRows, UserStatements};
use crate::value::{CallId, RunId};

/// Everything of that kind, as committed.
#[derive(Default)]
pub(super) struct Kept {
    /// By id.
    annotations: BTreeMap<u64, AnnotationRecord>,
    last_annotation: u64,
    /// By run, stage and key, those of earlier generations too.
    artifacts: BTreeMap<(RunId, String, String), ArtifactRecord>,
    pub(super) calls: BTreeMap<CallId, AiCallRecord>,
    executed: Vec<UserStatements>,
}

/// The statements of one commit of a stage.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NotedStatements {
    /// The run.
    pub run_id: RunId,
    /// The stage that gave them.
    pub stage_id: String,
    /// In the order in which a database would have run them.
    pub statements: Vec<Statement>,
}

impl Kept {
    /// Stores what a transaction has written.
    pub(super) fn write(&mut self, attached: SideRows) {
        for annotation in attached.annotations {
            self.last_annotation += 1;
            let id = self.last_annotation;
            self.annotations.insert(id, AnnotationRecord { id, ..annotation });
        }
        for (place, row) in attached.artifacts {
            let Some(value) = row.value else {
                self.artifacts.remove(&place);
                continue;
            };
            let (run_id, stage_id, key) = place.clone();
            let (generation, at) = (row.generation, row.at);
            self.artifacts.insert(place, ArtifactRecord { run_id, stage_id, key, generation, value, at });
        }
        self.write_calls(attached.reserved_calls, attached.settled_calls, attached.voided);
        self.executed.extend(attached.executed);
    }

    /// Forgets what hangs on a run.
    pub(super) fn delete(&mut self, run_id: RunId) {
        self.annotations.retain(|_, annotation| annotation.run_id != run_id);
        self.artifacts.retain(|(run, ..), _| *run != run_id);
        self.calls.retain(|_, call| call.run_id != Some(run_id));
    }
}

impl State {
    /// The annotations that are asked for, in the order of their commits.
    pub(super) fn annotations(
        &self,
        filter: &AnnotationFilter,
        more: impl Fn(&AnnotationRecord) -> bool,
    ) -> Vec<AnnotationRecord> {
        let asked =
            self.kept.annotations.values().filter(|annotation| filter.admits(annotation) && more(annotation));
        asked.take(filter.limit).cloned().collect()
    }

    /// The artifacts of a run that are of their stages' generations, by stage and key.
    pub(super) fn artifacts(&self, run_id: RunId) -> impl Iterator<Item = &ArtifactRecord> {
        let first = (run_id, String::new(), String::new());
        let of_run = self.kept.artifacts.range(first..).take_while(move |((run, ..), _)| *run == run_id);
        of_run.map(|(_, artifact)| artifact).filter(move |artifact| {
            let stage = self.runs.get(&run_id).and_then(|run| run.stages.get(&artifact.stage_id));
            stage.is_some_and(|stage| stage.record.generation == artifact.generation)
        })
    }

    /// The statements that were noted.
    pub(super) fn noted_statements(&self) -> Vec<NotedStatements> {
        let noted = self.kept.executed.iter().map(|executed| NotedStatements {
            run_id: executed.run_id,
            stage_id: executed.stage_id.clone(),
            statements: executed.statements.clone(),
        });
        noted.collect()
    }
}
