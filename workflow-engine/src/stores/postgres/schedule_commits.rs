//! Schedules in a commit: a tick reads one and moves it.
//!
//! It is committed like any decision: its schedule is read without a lock, and the statement that writes it compares
//! the version. Where another transaction was first, nothing is written, and the decision is repeated, in the end under the
//! schedule's lock. Runs are locked before schedules.

use super::column_arrays::ColumnArrays;
use super::columns::record;
use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use crate::records::ScheduleRecord;
use crate::stores::footprint::Footprint;
use crate::stores::rows::{moved_schedules, schedule_columns};
use crate::stores::working_set::WorkingSet;

macro_rules! load {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            schedule_columns!(array_row),
            " FROM {schema}.workflow_schedules AS s WHERE s.id = ANY($1) ORDER BY s.id ",
            $lock
        )
    };
}

pub(super) const LOAD: &str = load!("");

const LOCK: &str = load!("FOR NO KEY UPDATE");

/// Writes what a tick changes.
const MOVE: &str = "
    UPDATE {schema}.workflow_schedules AS s
    SET state = n.state, blocked_by = n.blocked_by::uuid, version = n.version, next_at = n.next_at, due_at = n.due_at,
        written_at = n.written_at
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        AS n (id, state, blocked_by, version, expected, next_at, due_at, written_at)
    WHERE s.id = n.id AND s.version = n.expected RETURNING s.version";

/// Loads the named schedules, if there are any.
pub(super) async fn load(
    transaction: &mut Transaction,
    footprint: &Footprint,
    is_locked: bool,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    if footprint.schedules.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = footprint.schedules.iter().map(|id| stored(id).into_owned()).collect();
    let query = transaction.query(if is_locked { LOCK } else { LOAD }).bind(ids);
    for row in &transaction.fetch("load a schedule", query).await? {
        let record: ScheduleRecord = record(row)?;
        set.schedules.insert(record.schedule.id.clone(), record);
    }
    Ok(())
}

/// Writes the schedules that ticks have moved. Returns `false` where another transaction has changed one of them.
pub(super) async fn write(transaction: &mut Transaction, set: &WorkingSet) -> Result<bool, Failure> {
    const ACTION: &str = "write a commit";

    let moved = &set.side_rows.moved_schedules;
    if moved.is_empty() {
        return Ok(true);
    }
    let rows = moved_schedules::<ColumnArrays>(moved).map_err(|error| Failure::permanent(ACTION, error))?;
    let query = rows.bind(transaction.query(MOVE));
    Ok(transaction.fetch(ACTION, query).await?.len() == moved.len())
}
