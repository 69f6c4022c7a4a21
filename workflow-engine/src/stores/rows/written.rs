//! The rows that a commit writes of runs, stages and jobs, with its events, idempotency keys, log lines and blobs.
//!
//! New rows are inserted and others updated: `ON CONFLICT`, which checks whether each row exists, would cost more than the
//! write itself. Runs, stages and jobs come in the order of their keys, so that a table is written from left to right.

use super::{WriteColumns, commit, job, run, stage};
use crate::stores::event_columns::EventColumns;
use crate::stores::implicit::ImplicitChange;
use crate::stores::working_set::{RowOp, RunRows, StageRows, WorkingSet};
use crate::value::{RunId, StageKey};

/// The kinds of these rows. A store has a statement, or a part of one, for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stores) enum RowKind {
    NewRun,
    UpdatedRun,
    /// The counts and the entries of a run of which nothing else has changed.
    CountedRun,
    NewStage,
    UpdatedStage,
    NewJob,
    UpdatedJob,
    /// The key of a job.
    DeletedJob,
    NewCommit,
    NewKey,
    NewLog,
    /// A blob of the same key is replaced.
    Blob,
}

impl RowKind {
    /// The number of kinds.
    pub(in crate::stores) const COUNT: usize = 12;
}

/// Receives the rows, one after the other.
pub(in crate::stores) trait RowSink {
    /// Whether a transaction that writes a row of a run also writes the run's own row. Otherwise the run's row is written
    /// where it has changed.
    const WRITES_EVERY_RUN: bool;

    type Row<'a>: WriteColumns;
    type Failure;

    /// Writes a row.
    fn write(&mut self, kind: RowKind, put: impl FnOnce(&mut Self::Row<'_>)) -> Result<(), Self::Failure>;

    /// Returns the failure for events that have no JSON form.
    fn unwritable(error: serde_json::Error) -> Self::Failure;
}

/// Writes the rows that have changed.
pub(in crate::stores) fn write_rows<S: RowSink>(set: &WorkingSet, sink: &mut S) -> Result<(), S::Failure> {
    let mut runs: Vec<_> = set.runs.iter().filter(|(_, rows)| rows.has_changes()).collect();
    runs.sort_unstable_by_key(|(run_id, _)| **run_id);
    for (_, rows) in &runs {
        write_run(rows, sink)?;
    }
    let stages = runs.iter().flat_map(|(_, rows)| rows.stages.values());
    stages.clone().try_for_each(|rows| write_stage(rows, sink))?;
    for (run_id, rows) in &runs {
        rows.stages.iter().try_for_each(|(stage_key, rows)| write_job(**run_id, stage_key, rows, sink))?;
    }
    write_commits(set, sink)?;
    write_keys(set, sink)?;
    write_logs_and_blobs(set, sink)
}

fn write_run<S: RowSink>(rows: &RunRows, sink: &mut S) -> Result<(), S::Failure> {
    let Some(run) = rows.run.get() else { return Ok(()) };
    let implicit = &rows.implicit;
    match (rows.run.row_op(), &rows.created, implicit.change) {
        (RowOp::Insert(_), Some(new), _) => sink.write(RowKind::NewRun, |row| {
            run::put_changing(row, run, implicit);
            row.run_id(run.id);
            run::put_new(row, run, new);
        }),
        (RowOp::Keep, _, ImplicitChange::Nothing) if !S::WRITES_EVERY_RUN => Ok(()),
        (.., ImplicitChange::Nothing | ImplicitChange::Entries)
            if rows.stored_version == Some(run.version) =>
        {
            sink.write(RowKind::CountedRun, |row| run::put_counts(row, run, implicit))
        }
        _ => sink.write(RowKind::UpdatedRun, |row| {
            run::put_changing(row, run, implicit);
            row.run_id(run.id);
        }),
    }
}

fn write_stage<S: RowSink>(rows: &StageRows, sink: &mut S) -> Result<(), S::Failure> {
    match rows.stage.row_op() {
        RowOp::Insert(stage) => sink.write(RowKind::NewStage, |row| {
            stage::put_changing(row, stage);
            stage::put_key(row, stage);
            stage::put_new(row, stage);
        }),
        RowOp::Update(stage) => sink.write(RowKind::UpdatedStage, |row| {
            stage::put_changing(row, stage);
            stage::put_key(row, stage);
        }),
        // A stage is never deleted here.
        RowOp::Keep | RowOp::Delete => Ok(()),
    }
}

fn write_job<S: RowSink>(
    run_id: RunId,
    stage_key: &StageKey,
    rows: &StageRows,
    sink: &mut S,
) -> Result<(), S::Failure> {
    match rows.job.row_op() {
        RowOp::Insert(job) => sink.write(RowKind::NewJob, |row| {
            job::put_changing(row, job);
            job::put_key(row, job);
            job::put_new(row, job);
        }),
        RowOp::Update(job) => sink.write(RowKind::UpdatedJob, |row| {
            job::put_changing(row, job);
            job::put_key(row, job);
        }),
        RowOp::Delete => sink.write(RowKind::DeletedJob, |row| _ = row.run_id(run_id).stage_key(stage_key)),
        RowOp::Keep => Ok(()),
    }
}

/// Writes the commits, sorted: the set has them in the order of the decisions.
fn write_commits<S: RowSink>(set: &WorkingSet, sink: &mut S) -> Result<(), S::Failure> {
    let mut commits: Vec<_> = set.commits.iter().collect();
    commits.sort_unstable_by_key(|commit| (commit.run_id, commit.sequence));
    for new in commits {
        let events = EventColumns::new(&new.events).map_err(S::unwritable)?;
        sink.write(RowKind::NewCommit, |row| commit::put(row, new, &events, set.request(new)))?;
    }
    Ok(())
}

/// Writes new keys, sorted: two transactions that write the same keys then wait for each other without a deadlock.
fn write_keys<S: RowSink>(set: &WorkingSet, sink: &mut S) -> Result<(), S::Failure> {
    let mut inserted: Vec<_> = set.inserted_keys().collect();
    inserted.sort_by_key(|(command, key, _)| (*command, *key));
    for (command, key, entry) in inserted {
        let Some((run_id, at)) = entry.inserted else { continue };
        sink.write(RowKind::NewKey, |row| {
            row.run_id(run_id)
                .text(command)
                .text(key)
                .text(&entry.request_hash)
                .text(entry.result.as_str())
                .instant(at);
        })?;
    }
    Ok(())
}

fn write_logs_and_blobs<S: RowSink>(set: &WorkingSet, sink: &mut S) -> Result<(), S::Failure> {
    for line in &set.logs {
        sink.write(RowKind::NewLog, |row| {
            row.run_id(line.run_id)
                .maybe_stage_key(line.stage_key.as_ref())
                .maybe_int(line.attempt)
                .text(line.level.as_str())
                .text(&line.message)
                .text(line.fields.as_str())
                .instant(line.at);
        })?;
    }
    for (at, blob) in set.blobs.iter().enumerate() {
        // A statement can write a row only once, so of several puts of a blob only the last one is written.
        if !set.blobs[at + 1..].iter().any(|later| later.key == blob.key) {
            sink.write(RowKind::Blob, |row| {
                row.text(&blob.key.0).run_id(blob.run_id).text(blob.value.as_str()).instant(blob.at);
            })?;
        }
    }
    Ok(())
}
