//! Locks runs and reads the rows that decisions name: any number of them in one statement.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::arrays::PgQuery;
use super::columns::{self, Columns};
use super::failure::Failure;
use super::key_columns::KeyColumns;
use super::text::stored;
use super::transaction::Transaction;
use crate::stores::footprint::Footprint;
use crate::stores::implicit::{ImplicitStages, Outline};
use crate::stores::rows::{ReadColumns, StoredRun, job_columns, run_columns, stage_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{Json, RunId};

const ACTION: &str = "load a run";

/// The kinds of rows that [`LOCK`] returns, in its fifth column.
const RUN: i32 = 0;
const STAGE: i32 = 1;
const JOB: i32 = 2;
const KEY: i32 = 3;
const END: i32 = 4;
const OUTLINE: i32 = 5;

/// Locks runs in the order of their ids, so that no two transactions deadlock, and reads them with the named stages,
/// jobs and idempotency keys.
///
/// Under READ COMMITTED a statement sees the state at its start, except for the rows that it locks, which it sees as
/// they are once it holds the locks. So where it had to wait for a lock, the other rows may be older than their run.
/// The last row counts the runs for which this is the case (their `commits` differs); [`lock`] then repeats the
/// statement under the locks that it now holds. The last row also has the database's time, taken when every lock was
/// held.
macro_rules! load {
    ($lock:literal) => {
        concat!(
            "WITH locked AS MATERIALIZED (
        SELECT r.* FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id ",
            $lock,
            "
    )
    SELECT ",
            run_columns!(array_row, commits),
            ", 0 FROM locked AS r
    UNION ALL
    SELECT ",
            stage_columns!(array_row),
            ", 1 FROM unnest($2, $3, $4) AS n (run_id, stage_id, place)
    JOIN {schema}.workflow_stage_rows AS s
        ON s.workflow_run_id = n.run_id AND s.stage_id = n.stage_id AND s.place = n.place
    UNION ALL
    SELECT ",
            job_columns!(array_row),
            ", 2 FROM unnest($2, $3, $4) AS n (run_id, stage_id, place)
    JOIN {schema}.workflow_job_queue AS j
        ON j.workflow_run_id = n.run_id AND j.stage_id = n.stage_id AND j.place = n.place
    UNION ALL
    SELECT r.id, ARRAY[c.outline], ARRAY[]::bigint[], ARRAY[]::timestamptz[], 5 FROM locked AS r
    JOIN {schema}.workflow_commits AS c ON c.workflow_run_id = r.id AND c.sequence = r.outline_sequence
    UNION ALL
    SELECT k.workflow_run_id, ARRAY[k.command, k.key, k.request_hash, k.result], ARRAY[]::bigint[],
        ARRAY[]::timestamptz[], 3
    FROM unnest($5, $6) AS n (command, key)
    JOIN {schema}.workflow_idempotency_keys AS k ON k.command = n.command AND k.key = n.key
    UNION ALL
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[(
            SELECT count(*) FROM locked AS l JOIN {schema}.workflow_runs AS seen ON seen.id = l.id
            WHERE seen.commits <> l.commits
        )], ARRAY[clock_timestamp()], 4"
        )
    };
}

const LOCK: &str = load!("FOR NO KEY UPDATE");

/// As [`LOCK`], without locks.
const READ: &str = load!("");

/// Reads a run with all its stages and jobs, without a lock.
pub(super) const LOAD_WHOLE: &str = concat!(
    "SELECT ",
    run_columns!(array_row, commits),
    ", 0 FROM {schema}.workflow_runs AS r WHERE r.id = $1
    UNION ALL
    SELECT ",
    stage_columns!(array_row),
    ", 1 FROM {schema}.workflow_stage_rows AS s WHERE s.workflow_run_id = $1
    UNION ALL
    SELECT r.id, ARRAY[c.outline], ARRAY[]::bigint[], ARRAY[]::timestamptz[], 5 FROM {schema}.workflow_runs AS r
    JOIN {schema}.workflow_commits AS c ON c.workflow_run_id = r.id AND c.sequence = r.outline_sequence
    WHERE r.id = $1
    UNION ALL
    SELECT ",
    job_columns!(array_row),
    ", 2 FROM {schema}.workflow_job_queue AS j WHERE j.workflow_run_id = $1"
);

/// Locks the named runs and loads the named rows; returns the database's time.
pub(super) async fn lock(
    transaction: &mut Transaction,
    footprint: &Footprint,
    set: &mut WorkingSet,
) -> Result<DateTime<Utc>, Failure> {
    loop {
        let rows = transaction.fetch(ACTION, load_query(transaction, LOCK, footprint)).await?;
        let mut end = None;
        for row in &rows {
            if kind(row)? == END {
                let mut columns = Columns::new(row, "workflow_runs")?;
                end = Some((columns.int::<u64>("commits")?, columns.instant("now")?));
            }
        }
        let Some((stale, now)) = end else {
            return Err(Failure::database(ACTION, sqlx::Error::RowNotFound));
        };
        if stale > 0 {
            continue;
        }
        transaction.database.clock_estimate.observe(now);
        rows.iter().try_for_each(|row| put(row, footprint, set))?;
        set.load_implicit(footprint);
        return Ok(now);
    }
}

/// Reads the named rows as they are committed now, without locks; returns the database's time.
pub(super) async fn read(
    transaction: &mut Transaction,
    footprint: &Footprint,
    set: &mut WorkingSet,
) -> Result<DateTime<Utc>, Failure> {
    let rows = transaction.fetch(ACTION, load_query(transaction, READ, footprint)).await?;
    rows.iter().try_for_each(|row| put(row, footprint, set))?;
    set.load_implicit(footprint);
    let Some(end) = rows.last() else { return Err(Failure::database(ACTION, sqlx::Error::RowNotFound)) };
    let mut columns = Columns::new(end, "workflow_runs")?;
    columns.int::<u64>("commits")?;
    let now = columns.instant("now")?;
    transaction.database.clock_estimate.observe(now);
    Ok(now)
}

fn load_query(transaction: &Transaction, text: &'static str, footprint: &Footprint) -> PgQuery<'static> {
    // The footprint is in key order, and so are the arguments.
    let runs: Vec<Uuid> = footprint.runs.keys().map(|run_id| *run_id.as_uuid()).collect();
    let stages = footprint.runs.iter();
    let stages = KeyColumns::of(stages.flat_map(|(run_id, stages)| stages.iter().map(|key| (*run_id, key))));
    let keys = footprint.keys.iter().map(|(command, key)| (*command, stored(key).into_owned()));
    let (commands, keys): (Vec<&'static str>, Vec<String>) = keys.unzip();
    let query = transaction.query(text);
    stages.bind(query.bind(runs)).bind(commands).bind(keys)
}

/// Loads a run with all its stages and jobs; the transaction has locked it.
pub(super) async fn read_whole(
    transaction: &mut Transaction,
    run_id: RunId,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let query = transaction.query(LOAD_WHOLE).bind(*run_id.as_uuid());
    let rows = transaction.fetch(ACTION, query).await?;
    put_whole(&rows, set)
}

/// Puts the rows of [`LOAD_WHOLE`] into the working set.
pub(super) fn put_whole(rows: &[PgRow], set: &mut WorkingSet) -> Result<(), Failure> {
    rows.iter().try_for_each(|row| put(row, &Footprint::default(), set))?;
    for row in rows {
        if kind(row)? == RUN {
            set.load_all_implicit(Columns::new(row, "workflow_runs")?.run_id()?);
        }
    }
    Ok(())
}

fn kind(row: &PgRow) -> Result<i32, Failure> {
    row.try_get(4).map_err(|error| Failure::database(ACTION, error))
}

fn put(row: &PgRow, footprint: &Footprint, set: &mut WorkingSet) -> Result<(), Failure> {
    match kind(row)? {
        RUN => {
            let (StoredRun { run, implicit }, commits) = columns::run_with_commits(row)?;
            let rows = set.load_run(run);
            let outline = rows.implicit.outline.take();
            rows.implicit = ImplicitStages { outline, ..implicit };
            rows.commits = commits;
        }
        STAGE => set.load_stage(columns::record(row)?),
        JOB => set.load_job(columns::record(row)?),
        OUTLINE => {
            let mut columns = Columns::new(row, "workflow_commits")?;
            let run_id = columns.run_id()?;
            let text = columns.maybe_text("outline")?;
            let outline = text.as_deref().map(Outline::parse).transpose();
            let outline = outline.map_err(|error| columns.unreadable("outline", error))?;
            set.runs.entry(run_id).or_default().implicit.outline = outline.map(Arc::new);
        }
        KEY => {
            let mut columns = Columns::new(row, "workflow_idempotency_keys")?;
            let command = columns.text("command")?;
            let (key, hash) = (columns.text("key")?, columns.text("request_hash")?);
            let result = Json::trusted(columns.text("result")?);
            // The row's command is one of the footprint's, whose names are static.
            if let Some((command, _)) = footprint.keys.iter().find(|(name, _)| *name == command) {
                set.load_key(command, key, hash, result);
            }
        }
        _ => {}
    }
    Ok(())
}
