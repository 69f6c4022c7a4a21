//! Loads the rows that decisions name.

use rusqlite::Row;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{all_json_records, json_row, record};
use super::failure::Failure;
use super::session::Session;
use crate::stores::commit::RowCache;
use crate::stores::footprint::Footprint;
use crate::stores::rows::{WriteColumns, job_columns, run_columns, stage_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{Json, RunId};

const DOING: &str = "load a run";

const RUN: &str = concat!("SELECT ", run_columns!(flat_row), " FROM {prefix}runs AS r WHERE r.id = ?1");

const STAGE: &str = concat!(
    "SELECT ",
    stage_columns!(flat_row),
    " FROM {prefix}stages AS s WHERE s.workflow_run_id = ?1 AND s.stage_id = ?2"
);

const JOB: &str = concat!(
    "SELECT ",
    job_columns!(flat_row),
    " FROM {prefix}job_queue AS j WHERE j.workflow_run_id = ?1 AND j.stage_id = ?2"
);

const KEY: &str = "SELECT request_hash, result FROM {prefix}idempotency_keys WHERE command = ?1 AND key = ?2";

const STAGES: &str =
    concat!("SELECT ", stage_columns!(flat_row), " FROM {prefix}stages AS s WHERE s.workflow_run_id = ?1");

const JOBS: &str =
    concat!("SELECT ", job_columns!(flat_row), " FROM {prefix}job_queue AS j WHERE j.workflow_run_id = ?1");

/// A run with all its stages and jobs, as one row of JSON texts. For the connections that read: a statement there sees
/// one committed state, and each row has its cost.
pub(super) const LOAD_WHOLE: &str = concat!(
    "SELECT
    (SELECT json_group_array(",
    json_row!(run_columns),
    ") FROM {prefix}runs AS r WHERE r.id = ?1),
    (SELECT json_group_array(",
    json_row!(stage_columns),
    ") FROM {prefix}stages AS s WHERE s.workflow_run_id = ?1),
    (SELECT json_group_array(",
    json_row!(job_columns),
    ") FROM {prefix}job_queue AS j WHERE j.workflow_run_id = ?1)"
);

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RUN, STAGE, JOB, KEY, STAGES, JOBS, LOAD_WHOLE];

/// Loads the named rows: from the cache, and otherwise from the file.
pub(super) fn load(
    session: &Session,
    footprint: &Footprint,
    row_cache: &mut RowCache,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let missing = row_cache.take(footprint, set);
    let mut read = session.prepare(DOING, RUN);
    for run_id in missing.runs {
        read.read(|arguments| _ = arguments.run_id(run_id), |row| load_run(row, set))?;
    }
    let (mut read, mut read_job) = (session.prepare(DOING, STAGE), session.prepare(DOING, JOB));
    for (run_id, stage_id) in missing.stages {
        read.read(|arguments| _ = arguments.run_id(run_id).text(stage_id), |row| load_stage(row, set))?;
        read_job.read(|arguments| _ = arguments.run_id(run_id).text(stage_id), |row| load_job(row, set))?;
    }
    let mut read = session.prepare(DOING, KEY);
    for (command, key) in &footprint.keys {
        read.read(
            |arguments| _ = arguments.text(command).text(key),
            |row| {
                let unreadable =
                    |error| Failure::unreadable("workflow_idempotency_keys", "*", "(unknown)", error);
                let request_hash = row.get(0).map_err(unreadable)?;
                let result: String = row.get(1).map_err(unreadable)?;
                set.load_key(command, key.clone(), request_hash, Json::trusted(result));
                Ok(())
            },
        )?;
    }
    Ok(())
}

/// Loads a run with all its stages and jobs.
pub(super) fn load_whole(session: &Session, run_id: RunId, set: &mut WorkingSet) -> Result<(), Failure> {
    session.prepare(DOING, RUN).read(|arguments| _ = arguments.run_id(run_id), |row| load_run(row, set))?;
    session
        .prepare(DOING, STAGES)
        .read(|arguments| _ = arguments.run_id(run_id), |row| load_stage(row, set))?;
    session.prepare(DOING, JOBS).read(|arguments| _ = arguments.run_id(run_id), |row| load_job(row, set))
}

fn load_run(row: &Row<'_>, set: &mut WorkingSet) -> Result<(), Failure> {
    set.load_run(record(row)?);
    Ok(())
}

fn load_stage(row: &Row<'_>, set: &mut WorkingSet) -> Result<(), Failure> {
    set.load_stage(record(row)?);
    Ok(())
}

fn load_job(row: &Row<'_>, set: &mut WorkingSet) -> Result<(), Failure> {
    set.load_job(record(row)?);
    Ok(())
}

/// Adds the result of [`LOAD_WHOLE`] to a working set.
pub(super) fn put_whole(rows: &[SqliteRow], set: &mut WorkingSet) -> Result<(), Failure> {
    let Some(row) = rows.first() else { return Ok(()) };
    let column = |index: usize| -> Result<&str, Failure> {
        row.try_get(index).map_err(|error| Failure::database(DOING, error))
    };
    all_json_records(column(0)?)?.into_iter().for_each(|run| set.load_run(run));
    all_json_records(column(1)?)?.into_iter().for_each(|stage| set.load_stage(stage));
    all_json_records(column(2)?)?.into_iter().for_each(|job| set.load_job(job));
    Ok(())
}
