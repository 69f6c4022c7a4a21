//! Loads the rows that decisions name.

use std::error::Error as StdError;
use std::sync::Arc;

use rusqlite::Row;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::columns::{all_json_records, json_row, record};
use super::failure::Failure;
use super::session::{PreparedStatement, Session};
use crate::stores::commit::RowCache;
use crate::stores::footprint::Footprint;
use crate::stores::implicit::{ImplicitStages, Outline};
use crate::stores::rows::{StoredRun, WriteColumns, job_columns, run_columns, stage_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{Json, RunId};

const DOING: &str = "load a run";

const RUN: &str = concat!("SELECT ", run_columns!(flat_row), " FROM {prefix}runs AS r WHERE r.id = ?1");

/// The outline of a run.
const OUTLINE: &str = "SELECT outline FROM {prefix}commits WHERE workflow_run_id = ?1 AND sequence = ?2";

const STAGE: &str = concat!(
    "SELECT ",
    stage_columns!(flat_row),
    " FROM {prefix}stage_rows AS s WHERE s.workflow_run_id = ?1 AND s.stage_id = ?2 AND s.place = ?3"
);

const JOB: &str = concat!(
    "SELECT ",
    job_columns!(flat_row),
    " FROM {prefix}job_queue AS j WHERE j.workflow_run_id = ?1 AND j.stage_id = ?2 AND j.place = ?3"
);

const KEY: &str = "SELECT request_hash, result FROM {prefix}idempotency_keys WHERE command = ?1 AND key = ?2";

const STAGES: &str = concat!(
    "SELECT ",
    stage_columns!(flat_row),
    " FROM {prefix}stage_rows AS s WHERE s.workflow_run_id = ?1"
);

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
    ") FROM {prefix}stage_rows AS s WHERE s.workflow_run_id = ?1),
    (SELECT json_group_array(",
    json_row!(job_columns),
    ") FROM {prefix}job_queue AS j WHERE j.workflow_run_id = ?1),
    (SELECT c.outline FROM {prefix}runs AS r CROSS JOIN {prefix}commits AS c
        ON c.workflow_run_id = r.id AND c.sequence = r.outline_sequence WHERE r.id = ?1)"
);

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RUN, OUTLINE, STAGE, JOB, KEY, STAGES, JOBS, LOAD_WHOLE];

/// Loads the named rows: from the cache, and otherwise from the file.
pub(super) fn load(
    session: &Session,
    footprint: &Footprint,
    row_cache: &mut RowCache,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let missing = row_cache.take(footprint, set);
    let mut read = session.prepare(DOING, RUN);
    for run_id in &missing.runs {
        read.read(|arguments| _ = arguments.run_id(*run_id), |row| load_run(row, set))?;
    }
    let mut read = session.prepare(DOING, OUTLINE);
    for run_id in &missing.runs {
        load_outline(&mut read, *run_id, set)?;
    }
    let (mut read, mut read_job) = (session.prepare(DOING, STAGE), session.prepare(DOING, JOB));
    for (run_id, stage_key) in missing.stages {
        read.read(|arguments| _ = arguments.run_id(run_id).stage_key(stage_key), |row| load_stage(row, set))?;
        read_job
            .read(|arguments| _ = arguments.run_id(run_id).stage_key(stage_key), |row| load_job(row, set))?;
    }
    set.load_implicit(footprint);
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
    load_outline(&mut session.prepare(DOING, OUTLINE), run_id, set)?;
    session
        .prepare(DOING, STAGES)
        .read(|arguments| _ = arguments.run_id(run_id), |row| load_stage(row, set))?;
    session.prepare(DOING, JOBS).read(|arguments| _ = arguments.run_id(run_id), |row| load_job(row, set))?;
    set.load_all_implicit(run_id);
    Ok(())
}

fn load_run(row: &Row<'_>, set: &mut WorkingSet) -> Result<(), Failure> {
    let StoredRun { run, implicit } = record(row)?;
    set.load_run(run).implicit = implicit;
    Ok(())
}

fn load_outline(
    read: &mut PreparedStatement<'_>,
    run_id: RunId,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let Some(rows) = set.runs.get_mut(&run_id) else { return Ok(()) };
    let Some(sequence) = rows.implicit.outline_sequence else { return Ok(()) };
    read.read(
        |arguments| _ = arguments.run_id(run_id).int(sequence),
        |row| {
            let text: Option<String> = row.get(0).map_err(|error| unreadable_outline(run_id, error))?;
            rows.implicit.outline = outline(run_id, text.as_deref())?;
            Ok(())
        },
    )
}

fn outline(run_id: RunId, text: Option<&str>) -> Result<Option<Arc<Outline>>, Failure> {
    let outline = text.map(Outline::parse).transpose();
    Ok(outline.map_err(|error| unreadable_outline(run_id, error))?.map(Arc::new))
}

fn unreadable_outline(run_id: RunId, error: impl StdError + Send + Sync + 'static) -> Failure {
    Failure::unreadable("workflow_commits", "outline", run_id.to_string(), error)
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
    let text: Option<&str> = row.try_get(3).map_err(|error| Failure::database(DOING, error))?;
    let mut run_id = None;
    for StoredRun { run, implicit } in all_json_records(column(0)?)? {
        run_id = Some(run.id);
        let outline = outline(run.id, text)?;
        set.load_run(run).implicit = ImplicitStages { outline, ..implicit };
    }
    all_json_records(column(1)?)?.into_iter().for_each(|stage| set.load_stage(stage));
    all_json_records(column(2)?)?.into_iter().for_each(|job| set.load_job(job));
    if let Some(run_id) = run_id {
        set.load_all_implicit(run_id);
    }
    Ok(())
}
