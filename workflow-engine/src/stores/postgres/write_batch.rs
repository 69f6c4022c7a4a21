//! The rows that a commit writes in its one statement.

use super::arrays::PgQuery;
use super::composite::{CompositeRow, CompositeRows};
use super::composite_types::RowTypes;
use super::failure::Failure;
use super::write_sql::StatementParts;
use crate::stores::rows::{RowKind, RowSink, write_rows};
use crate::stores::working_set::WorkingSet;

/// The rows of a commit, by the number of their [`RowKind`].
#[derive(Default)]
pub(super) struct WriteBatch([CompositeRows; RowKind::COUNT]);

/// The changes of rows that few commits have.
const UPDATES: [RowKind; 3] = [RowKind::UpdatedStage, RowKind::DeletedJob, RowKind::UpdatedJob];

impl WriteBatch {
    /// Collects the changes of the set.
    pub(super) fn new(set: &WorkingSet) -> Result<Self, Failure> {
        let mut batch = Self::default();
        write_rows(set, &mut batch)?;
        Ok(batch)
    }

    /// Returns the parts of the statement that these rows need.
    pub(super) fn parts(&self) -> StatementParts {
        let has = |kind: RowKind| !self.0[kind as usize].is_empty();
        StatementParts {
            keys: has(RowKind::NewKey),
            runs: has(RowKind::NewRun),
            stages: has(RowKind::NewStage),
            jobs: has(RowKind::NewJob),
            counts: has(RowKind::CountedRun),
            updated_runs: has(RowKind::UpdatedRun),
            updates: UPDATES.into_iter().any(has),
            logs_and_blobs: has(RowKind::NewLog) || has(RowKind::Blob),
        }
    }

    /// Binds the rows to the statement, in the order of `StatementForm::text`.
    pub(super) fn bind<'q>(mut self, query: PgQuery<'q>, types: &RowTypes) -> PgQuery<'q> {
        let parts = self.parts();
        let kinds: [(bool, &[RowKind]); 9] = [
            (parts.keys, &[RowKind::NewKey]),
            (parts.counts, &[RowKind::CountedRun]),
            (parts.updated_runs, &[RowKind::UpdatedRun]),
            (true, &[RowKind::NewCommit]),
            (parts.runs, &[RowKind::NewRun]),
            (parts.stages, &[RowKind::NewStage]),
            (parts.jobs, &[RowKind::NewJob]),
            (parts.updates, &UPDATES),
            (parts.logs_and_blobs, &[RowKind::NewLog, RowKind::Blob]),
        ];
        let included = kinds.into_iter().filter(|(is_included, _)| *is_included);
        included.flat_map(|(_, kinds)| kinds).fold(query, |query, kind| {
            std::mem::take(&mut self.0[*kind as usize]).bind(query, types.row_type(*kind))
        })
    }
}

impl RowSink for WriteBatch {
    /// The row of a run has the counter that each transaction moves.
    const WRITES_EVERY_RUN: bool = true;

    type Row<'a> = CompositeRow<'a>;
    type Failure = Failure;

    fn write(&mut self, kind: RowKind, put: impl FnOnce(&mut CompositeRow<'_>)) -> Result<(), Failure> {
        self.0[kind as usize].push(put);
        Ok(())
    }

    fn unwritable(error: serde_json::Error) -> Failure {
        Failure::permanent("write a commit", error)
    }
}
