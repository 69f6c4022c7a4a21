//! Reading the rows that decisions name, in one statement whatever their number.

use sqlx::sqlite::SqliteRow;

use super::failure::Failure;
use super::json_rows::JsonRows;
use super::rows::{self, Columns, job_columns, run_columns, stage_columns};
use super::session::Session;
use crate::id::RunId;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

const DOING: &str = "load a run";

/// Runs by id, stages and jobs by run and stage, idempotency entries by command and key. The number in front of each
/// row says which of them it is; the shorter ones are filled up to the run's 17 columns.
const LOAD: &str = concat!(
    "SELECT 0, ",
    run_columns!(),
    " FROM json_each(?1) AS n CROSS JOIN workflow_runs AS r ON r.id = n.value ->> 0
    UNION ALL
    SELECT 1, ",
    stage_columns!(),
    ", NULL, NULL, NULL
    FROM json_each(?2) AS n CROSS JOIN workflow_stages AS s
        ON s.workflow_run_id = n.value ->> 0 AND s.stage_id = n.value ->> 1
    UNION ALL
    SELECT 2, ",
    job_columns!(),
    ", NULL, NULL, NULL, NULL
    FROM json_each(?2) AS n CROSS JOIN job_queue AS j
        ON j.workflow_run_id = n.value ->> 0 AND j.stage_id = n.value ->> 1
    UNION ALL
    SELECT 3, k.command, k.key, k.request_hash, k.result,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM json_each(?3) AS n CROSS JOIN idempotency_keys AS k
        ON k.command = n.value ->> 0 AND k.key = n.value ->> 1"
);

/// A run with all its stages and jobs, in the same shape.
pub(super) const LOAD_WHOLE: &str = concat!(
    "SELECT 0, ",
    run_columns!(),
    " FROM workflow_runs AS r WHERE r.id = ?1
    UNION ALL
    SELECT 1, ",
    stage_columns!(),
    ", NULL, NULL, NULL FROM workflow_stages AS s WHERE s.workflow_run_id = ?1
    UNION ALL
    SELECT 2, ",
    job_columns!(),
    ", NULL, NULL, NULL, NULL FROM job_queue AS j WHERE j.workflow_run_id = ?1"
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
    for row in session.fetch(DOING, query).await? {
        put(&row, footprint, set)?;
    }
    Ok(())
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

/// Puts the rows of [`LOAD_WHOLE`] into the working set.
pub(super) fn put_whole(rows: &[SqliteRow], set: &mut WorkingSet) -> Result<(), Failure> {
    let nothing = Footprint::default();
    rows.iter().try_for_each(|row| put(row, &nothing, set))
}

fn put(row: &SqliteRow, footprint: &Footprint, set: &mut WorkingSet) -> Result<(), Failure> {
    match Columns::new(row, "the loaded rows", 0).int::<u8>("the kind of row")? {
        0 => set.load_run(rows::run(Columns::new(row, "workflow_runs", 1))?),
        1 => set.load_stage(rows::stage(Columns::new(row, "workflow_stages", 1))?),
        2 => set.load_job(rows::job(Columns::new(row, "job_queue", 1))?),
        _ => {
            let mut columns = Columns::new(row, "idempotency_keys", 1);
            let (command, key): (&str, &str) = (columns.get("command")?, columns.get("key")?);
            let (hash, result) = (columns.get("request_hash")?, columns.json("result")?);
            // The row's command is one of those that were asked for, whose names are static.
            if let Some((command, _)) = footprint.keys.iter().find(|(asked, _)| *asked == command) {
                set.load_key(command, key.to_owned(), hash, result);
            }
        }
    }
    Ok(())
}
