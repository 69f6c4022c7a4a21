//! The rows that a commit writes in its one statement.

use super::arrays::PgQuery;
use super::composite::CompositeRows;
use super::composite_types::{RowKind, RowTypes};
use super::failure::Failure;
use super::rows::RunWrites;
use super::write_sql::StatementParts;
use crate::records::RunRequest;
use crate::stores::event_columns::EventColumns;
use crate::stores::rows::{WriteColumns, commit};
use crate::stores::working_set::{CommitRow, RunRows, WorkingSet};
use crate::value::RunId;

/// The rows of a commit.
#[derive(Default)]
pub(super) struct WriteBatch {
    keys: CompositeRows,
    runs: RunWrites,
    commits: CompositeRows,
    logs: CompositeRows,
    blobs: CompositeRows,
}

impl WriteBatch {
    /// Collects the changes of the set.
    pub(super) fn new(set: &WorkingSet) -> Result<Self, Failure> {
        let mut batch = Self::default();
        for (run_id, run) in changed_runs(set) {
            batch.runs.push(run_id, run);
        }
        for commit in &set.commits {
            batch.push_commit(commit, set.request(commit))?;
        }
        batch.push_keys(set);
        for line in &set.logs {
            batch.logs.push(|row| {
                row.run_id(line.run_id)
                    .text(&line.stage_id)
                    .int(line.attempt)
                    .text(line.level.as_str())
                    .text(&line.message)
                    .text(line.fields.as_str())
                    .instant(line.at);
            });
        }
        // A statement can write a row only once, so of several puts of a blob only the last one is written.
        for (at, blob) in set.blobs.iter().enumerate() {
            if !set.blobs[at + 1..].iter().any(|later| later.key == blob.key) {
                batch.blobs.push(|row| {
                    row.text(&blob.key.0).run_id(blob.run_id).text(blob.value.as_str()).instant(blob.at);
                });
            }
        }
        Ok(batch)
    }

    fn push_commit(&mut self, commit: &CommitRow, request: Option<&RunRequest>) -> Result<(), Failure> {
        let events = EventColumns::new(&commit.events);
        let events = events.map_err(|error| Failure::permanent("write a commit", error))?;
        self.commits.push(|row| {
            commit::put(row, commit, &events, request);
        });
        Ok(())
    }

    fn push_keys(&mut self, set: &WorkingSet) {
        let mut inserted: Vec<_> = set.inserted_keys().collect();
        // In key order: two transactions that write the same keys then wait for each other without a deadlock.
        inserted.sort_by_key(|(command, key, _)| (*command, *key));
        for (command, key, entry) in inserted {
            let Some((run_id, at)) = entry.inserted else { continue };
            self.keys.push(|row| {
                row.run_id(run_id)
                    .text(command)
                    .text(key)
                    .text(&entry.request_hash)
                    .text(entry.result.as_str())
                    .instant(at);
            });
        }
    }

    /// Returns the parts of the statement that these rows need.
    pub(super) fn parts(&self) -> StatementParts {
        let RunWrites { new_runs, updated_runs, new_stages, updated_jobs, .. } = &self.runs;
        StatementParts {
            keys: !self.keys.is_empty(),
            runs: !new_runs.is_empty(),
            stages: !new_stages.is_empty(),
            updates: !updated_runs.is_empty(),
            job_updates: !updated_jobs.is_empty(),
            logs_and_blobs: !self.logs.is_empty() || !self.blobs.is_empty(),
        }
    }

    /// Binds the rows to the statement, in the order of `StatementParts::texts`.
    pub(super) fn bind<'q>(self, query: PgQuery<'q>, types: &RowTypes) -> PgQuery<'q> {
        let parts = self.parts();
        let bind = |query, rows: CompositeRows, kind| rows.bind(query, types.row_type(kind));
        let RunWrites {
            new_runs,
            updated_runs,
            new_stages,
            updated_stages,
            new_jobs,
            updated_jobs,
            deleted_jobs,
        } = self.runs;
        let mut query = query;
        if parts.keys {
            query = bind(query, self.keys, RowKind::NewKey);
        }
        query = bind(query, new_jobs, RowKind::Job);
        query = bind(query, self.commits, RowKind::NewCommit);
        if parts.runs {
            query = bind(query, new_runs, RowKind::NewRun);
        }
        if parts.stages {
            query = bind(query, new_stages, RowKind::NewStage);
        }
        if parts.updates {
            query = bind(query, updated_runs, RowKind::UpdatedRun);
            query = bind(query, updated_stages, RowKind::UpdatedStage);
            query = bind(query, deleted_jobs, RowKind::DeletedJob);
        }
        if parts.job_updates {
            query = bind(query, updated_jobs, RowKind::Job);
        }
        if parts.logs_and_blobs {
            query = bind(query, self.logs, RowKind::NewLog);
            query = bind(query, self.blobs, RowKind::NewBlob);
        }
        query
    }
}

/// Returns the runs that have rows to be written, in the order of their ids.
pub(super) fn changed_runs(set: &WorkingSet) -> Vec<(RunId, &RunRows)> {
    let changed = set.runs.iter().filter(|(_, rows)| rows.has_changes());
    let mut runs: Vec<_> = changed.map(|(run_id, rows)| (*run_id, rows)).collect();
    runs.sort_by_key(|(run_id, _)| *run_id);
    runs
}
