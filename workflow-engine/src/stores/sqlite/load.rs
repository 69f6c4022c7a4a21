//! Reading the rows that decisions name, in one statement whatever their number.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::failure::Failure;
use super::json_rows::JsonRows;
use super::rows::{self, JobRow, RunRow, StageRow, job_row, run_row, stage_row};
use super::session::Session;
use crate::id::RunId;
use crate::language::Json;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

const DOING: &str = "load a run";

/// One row of four JSON texts: runs by id, stages and jobs by run and stage, idempotency entries by command and key.
const LOAD: &str = concat!(
    "SELECT
    (SELECT json_group_array(",
    run_row!(),
    ") FROM jsonb_each(?1) AS n CROSS JOIN workflow_runs AS r ON r.id = n.value ->> 0),
    (SELECT json_group_array(",
    stage_row!(),
    ") FROM jsonb_each(?2) AS n CROSS JOIN workflow_stages AS s
        ON s.workflow_run_id = n.value ->> 0 AND s.stage_id = n.value ->> 1),
    (SELECT json_group_array(",
    job_row!(),
    ") FROM jsonb_each(?2) AS n CROSS JOIN job_queue AS j
        ON j.workflow_run_id = n.value ->> 0 AND j.stage_id = n.value ->> 1),
    (SELECT json_group_array(json_array(k.command, k.key, k.request_hash, k.result))
        FROM jsonb_each(?3) AS n CROSS JOIN idempotency_keys AS k
        ON k.command = n.value ->> 0 AND k.key = n.value ->> 1)"
);

/// A run with all its stages and jobs, in the same shape.
pub(super) const LOAD_WHOLE: &str = concat!(
    "SELECT
    (SELECT json_group_array(",
    run_row!(),
    ") FROM workflow_runs AS r WHERE r.id = ?1),
    (SELECT json_group_array(",
    stage_row!(),
    ") FROM workflow_stages AS s WHERE s.workflow_run_id = ?1),
    (SELECT json_group_array(",
    job_row!(),
    ") FROM job_queue AS j WHERE j.workflow_run_id = ?1),
    '[]'"
);

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOAD, LOAD_WHOLE];

/// Loads the named rows.
pub(super) async fn load(
    session: &mut Session,
    footprint: &Footprint,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let (mut runs, mut stages, mut keys) = (JsonRows::default(), JsonRows::default(), JsonRows::default());
    for (run_id, stage_ids) in &footprint.runs {
        runs.push(|row| {
            row.plain(run_id);
        });
        for stage_id in stage_ids {
            stages.push(|row| {
                row.plain(run_id).text(stage_id);
            });
        }
    }
    for (command, key) in &footprint.keys {
        keys.push(|row| {
            row.text(command).text(key);
        });
    }
    let query = sqlx::query(LOAD).bind(runs.finish()).bind(stages.finish()).bind(keys.finish());
    let rows = session.fetch(DOING, query).await?;
    put(&rows, footprint, set)
}

/// Loads a run with all its stages and jobs.
pub(super) async fn load_whole(
    session: &mut Session,
    run_id: RunId,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let rows = session.fetch(DOING, sqlx::query(LOAD_WHOLE).bind(run_id.to_string())).await?;
    put_whole(&rows, set)
}

/// Puts what [`LOAD_WHOLE`] has answered into the working set.
pub(super) fn put_whole(rows: &[SqliteRow], set: &mut WorkingSet) -> Result<(), Failure> {
    put(rows, &Footprint::default(), set)
}

fn put(rows: &[SqliteRow], footprint: &Footprint, set: &mut WorkingSet) -> Result<(), Failure> {
    let Some(row) = rows.first() else { return Ok(()) };
    let column = |index: usize| -> Result<&str, Failure> {
        row.try_get(index).map_err(|error| Failure::database(DOING, error))
    };
    rows::all::<RunRow<'_>>(column(0)?)?.into_iter().for_each(|run| set.load_run(run));
    rows::all::<StageRow<'_>>(column(1)?)?.into_iter().for_each(|stage| set.load_stage(stage));
    rows::all::<JobRow<'_>>(column(2)?)?.into_iter().for_each(|job| set.load_job(job));
    let keys: Vec<(String, String, String, String)> = serde_json::from_str(column(3)?)
        .map_err(|error| Failure::unreadable("idempotency_keys", "*", "(unknown)", error))?;
    for (command, key, request_hash, result) in keys {
        // The row's command is one of those that were asked for, whose names are static.
        if let Some((command, _)) = footprint.keys.iter().find(|(asked, _)| *asked == command) {
            set.load_key(command, key, request_hash, Json::trusted(result));
        }
    }
    Ok(())
}
