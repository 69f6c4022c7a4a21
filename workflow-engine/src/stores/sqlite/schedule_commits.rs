//! Schedules in a commit: a tick reads one and moves it.

use super::columns::record;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use crate::stores::footprint::Footprint;
use crate::stores::rows::{WriteColumns, moved_schedules, schedule_columns};
use crate::stores::working_set::WorkingSet;

pub(super) const LOAD: &str =
    concat!("SELECT ", schedule_columns!(flat_row), " FROM {prefix}schedules AS s WHERE s.id = ?1");

/// Writes what a tick changes.
const MOVE: &str = "
    UPDATE {prefix}schedules
    SET state = n.value ->> 1, blocked_by = n.value ->> 2, version = n.value ->> 3, next_at = n.value ->> 5,
        due_at = n.value ->> 6, written_at = n.value ->> 7
    FROM jsonb_each(?1) AS n
    WHERE {prefix}schedules.id = n.value ->> 0 AND {prefix}schedules.version = n.value ->> 4
    RETURNING {prefix}schedules.version";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOAD, MOVE];

/// Loads the named schedules, if there are any.
pub(super) fn load(session: &Session, footprint: &Footprint, set: &mut WorkingSet) -> Result<(), Failure> {
    let mut load = session.prepare("load a schedule", LOAD);
    for id in &footprint.schedules {
        load.read(
            |arguments| _ = arguments.text(id),
            |row| {
                set.schedules.insert(id.clone(), record(row)?);
                Ok(())
            },
        )?;
    }
    Ok(())
}

/// Writes the schedules that ticks have moved. Their versions were compared in this transaction.
pub(super) fn write(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    const DOING: &str = "write a commit";

    let moved = &set.side_rows.moved_schedules;
    if moved.is_empty() {
        return Ok(());
    }
    let rows = moved_schedules::<JsonRows>(moved).map_err(|error| Failure::lasting(DOING, error))?;
    session.fetch(DOING, MOVE, |arguments| _ = arguments.text(&rows.finish()))?;
    Ok(())
}
