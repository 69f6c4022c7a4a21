//! The rows beside runs and stages, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::ports::AnnotationFilter;
use crate::records::{
    AiCallRecord, AnnotationRecord, ArtifactRecord, CostSums, OPERATOR, SignalRecord, Statement,
};
use crate::stores::cost_hours::CostPlace;
use crate::stores::working_set::{SideRows, UserStatements};
use crate::value::{CallId, RunId, StageKey};

/// The committed rows.
#[derive(Default)]
pub(super) struct SideTables {
    /// The tags of each run that has any.
    pub(super) tags: BTreeMap<RunId, BTreeMap<String, String>>,
    /// By id.
    annotations: BTreeMap<u64, AnnotationRecord>,
    last_annotation: u64,
    /// By run, stage and key, earlier generations included.
    pub(super) artifacts: BTreeMap<(RunId, StageKey, String), ArtifactRecord>,
    pub(super) calls: BTreeMap<CallId, AiCallRecord>,
    /// The calls that are in `cost_hours`.
    pub(super) rolled_up: BTreeSet<CallId>,
    pub(super) cost_hours: BTreeMap<CostPlace, CostSums>,
    /// By run, stage and number.
    pub(super) signals: BTreeMap<(RunId, StageKey, u64), SignalRecord>,
    user_statements: Vec<UserStatements>,
}

/// The recorded statements of one commit of a stage.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedStatements {
    /// The run.
    pub run_id: RunId,
    /// The stage that gave them.
    pub stage_key: StageKey,
    /// The statements, in the order in which a database would run them.
    pub statements: Vec<Statement>,
}

impl SideTables {
    /// Stores the rows that a transaction has written.
    pub(super) fn write(&mut self, side_rows: SideRows) {
        for tag in side_rows.tags {
            self.tags.entry(tag.run_id).or_default().insert(tag.key, tag.value);
        }
        for annotation in side_rows.annotations {
            self.last_annotation += 1;
            let id = self.last_annotation;
            self.annotations.insert(id, AnnotationRecord { id, ..annotation });
        }
        for (address, row) in side_rows.artifacts {
            let Some(value) = row.value else {
                self.artifacts.remove(&address);
                continue;
            };
            let (run_id, StageKey { id: stage_id, place }, key) = address.clone();
            let (generation, at) = (row.generation, row.at);
            let record = ArtifactRecord { run_id, stage_id, place, key, generation, value, at };
            self.artifacts.insert(address, record);
        }
        self.write_calls(side_rows.reserved_calls, side_rows.settled_calls, side_rows.voided_calls);
        self.write_signals(side_rows.new_signals, side_rows.consumed_signals);
        self.user_statements.extend(side_rows.user_statements);
    }

    /// Returns the annotations that keep actions from outside.
    pub(super) fn actions(&self) -> impl Iterator<Item = &AnnotationRecord> {
        self.annotations.values().filter(|annotation| annotation.key.starts_with(OPERATOR))
    }

    /// Returns the annotations that match, in the order of their commits.
    pub(super) fn annotations(
        &self,
        filter: &AnnotationFilter,
        matches: impl Fn(&AnnotationRecord) -> bool,
    ) -> Vec<AnnotationRecord> {
        let all = self.annotations.values();
        let matching = all.filter(|annotation| filter.admits(annotation) && matches(annotation));
        matching.take(filter.limit).cloned().collect()
    }

    /// Returns the recorded statements.
    pub(super) fn recorded_statements(&self) -> Vec<RecordedStatements> {
        let recorded = self.user_statements.iter().map(|row| RecordedStatements {
            run_id: row.run_id,
            stage_key: row.stage_key.clone(),
            statements: row.statements.clone(),
        });
        recorded.collect()
    }

    /// Deletes the rows of a run.
    pub(super) fn delete(&mut self, run_id: RunId) {
        self.tags.remove(&run_id);
        self.annotations.retain(|_, annotation| annotation.run_id != run_id);
        self.artifacts.retain(|(run, ..), _| *run != run_id);
        self.calls.retain(|_, call| call.run_id != Some(run_id));
        self.signals.retain(|(run, ..), _| *run != run_id);
    }
}
