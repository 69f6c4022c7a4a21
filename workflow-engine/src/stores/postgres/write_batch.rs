//! Everything that a commit writes in its one statement.

use super::arrays::PgQuery;
use super::composite::Records;
use super::composite_types::{Kind, RowTypes};
use super::failure::Failure;
use super::rows::RowsOfRuns;
use super::write_sql::Parts;
use crate::records::Event;
use crate::stores::working_set::{RunRows, WorkingSet};
use crate::value::RunId;

/// The rows of a commit.
#[derive(Default)]
pub(super) struct Written {
    keys: Records,
    of_runs: RowsOfRuns,
    events: Records,
    logs: Records,
    blobs: Records,
}

impl Written {
    /// What has changed in the set. Events that nobody hears are published as they are written.
    pub(super) fn of(set: &WorkingSet, deliver_events: bool) -> Result<Self, Failure> {
        let mut written = Self::default();
        for (run_id, run) in sorted(set) {
            written.of_runs.push(run_id, run);
        }
        for event in &set.events {
            written.push_event(event, deliver_events)?;
        }
        written.push_keys(set);
        for line in &set.logs {
            written.logs.push(|row| {
                row.run(line.run_id)
                    .text(&line.stage_id)
                    .int(line.attempt)
                    .text(line.level.as_str())
                    .text(&line.message)
                    .text(line.fields.as_str())
                    .instant(line.at);
            });
        }
        // One statement writes a row once: of several puts the last one counts.
        for (at, blob) in set.blobs.iter().enumerate() {
            if !set.blobs[at + 1..].iter().any(|later| later.key == blob.key) {
                written.blobs.push(|row| {
                    row.text(&blob.key.0).run(blob.run_id).text(blob.value.as_str()).instant(blob.at);
                });
            }
        }
        Ok(written)
    }

    fn push_event(&mut self, event: &Event, deliver: bool) -> Result<(), Failure> {
        let payload = event.kind.payload().map_err(|error| Failure::lasting("write a commit", error))?;
        self.events.push(|row| {
            row.run(event.run_id)
                .int(event.sequence)
                .text(event.kind.name())
                .text(payload.as_str())
                .instant(event.at)
                .maybe_instant((!deliver).then_some(event.at));
        });
        Ok(())
    }

    fn push_keys(&mut self, set: &WorkingSet) {
        let mut inserted: Vec<_> = set.inserted_keys().collect();
        inserted.sort_by_key(|(command, key, _)| (*command, *key));
        for (command, key, entry) in inserted {
            let Some((run_id, at)) = entry.inserted else { continue };
            self.keys.push(|row| {
                row.run(run_id)
                    .text(command)
                    .text(key)
                    .text(&entry.request_hash)
                    .text(entry.result.as_str())
                    .instant(at);
            });
        }
    }

    /// Which parts of the statement they need.
    pub(super) fn parts(&self) -> Parts {
        let RowsOfRuns { new, moved, new_stages, requeued, .. } = &self.of_runs;
        Parts {
            keys: !self.keys.is_empty(),
            runs: !new.is_empty(),
            stages: !new_stages.is_empty(),
            moved: !moved.is_empty(),
            requeued: !requeued.is_empty(),
            said: !self.logs.is_empty() || !self.blobs.is_empty(),
        }
    }

    /// Hands them to the statement, in the order of `Parts::texts`.
    pub(super) fn bind<'q>(self, query: PgQuery<'q>, types: &RowTypes) -> PgQuery<'q> {
        let parts = self.parts();
        let bind = |query, rows: Records, kind| rows.bind(query, types.of(kind));
        let RowsOfRuns { new, moved, new_stages, moved_stages, jobs, requeued, done } = self.of_runs;
        let mut query = query;
        if parts.keys {
            query = bind(query, self.keys, Kind::NewKey);
        }
        query = bind(query, jobs, Kind::Job);
        query = bind(query, self.events, Kind::NewEvent);
        if parts.runs {
            query = bind(query, new, Kind::NewRun);
        }
        if parts.stages {
            query = bind(query, new_stages, Kind::NewStage);
        }
        if parts.moved {
            query = bind(query, moved, Kind::MovedRun);
            query = bind(query, moved_stages, Kind::MovedStage);
            query = bind(query, done, Kind::DoneJob);
        }
        if parts.requeued {
            query = bind(query, requeued, Kind::Job);
        }
        if parts.said {
            query = bind(query, self.logs, Kind::NewLog);
            query = bind(query, self.blobs, Kind::NewBlob);
        }
        query
    }
}

/// The runs of which something is to be written, in the order of their ids.
pub(super) fn sorted(set: &WorkingSet) -> Vec<(RunId, &RunRows)> {
    let touched = set.runs.iter().filter(|(_, rows)| super::row_cache::is_touched(rows));
    let mut runs: Vec<_> = touched.map(|(run_id, rows)| (*run_id, rows)).collect();
    runs.sort_by_key(|(run_id, _)| *run_id);
    runs
}
