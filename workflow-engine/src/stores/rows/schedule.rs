//! Schedules.

use super::row_list::RowList;
use super::{FromColumns, ReadColumns, WriteColumns};
use crate::records::ScheduleRecord;
use crate::stores::working_set::MovedSchedule;

/// The columns from which a schedule is read.
macro_rules! schedule_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            s: blocked_by,
            ids: [],
            texts: [schedule, state],
            numbers: [version],
            flags: [],
            instants: [next_at, due_at, written_at]
        )
    };
}

pub(in crate::stores) use schedule_columns;

impl FromColumns for ScheduleRecord {
    const TABLE: &'static str = "workflow_schedules";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        let blocked_by = columns.maybe_run_id("blocked_by")?;
        let schedule = columns.json("schedule")?;
        let schedule = schedule.decode().map_err(|error| columns.unreadable("schedule", error))?;
        let state = columns.json("state")?;
        let state = state.decode().map_err(|error| columns.unreadable("state", error))?;
        Ok(Self {
            schedule,
            version: columns.int("version")?,
            next_at: columns.maybe_instant("next_at")?,
            due_at: columns.maybe_instant("due_at")?,
            blocked_by,
            written_at: columns.instant("written_at")?,
            state,
        })
    }
}

/// Adds a schedule: id, `workflow_id`, schedule, state, `blocked_by`, version, expected version, `next_at`, `due_at`,
/// `written_at`. Without `has_instant` the database's clock provides the last.
///
/// # Errors
/// When it cannot be written as JSON.
fn put_schedule<W: WriteColumns>(
    row: &mut W,
    record: &ScheduleRecord,
    expected: Option<u64>,
    has_instant: bool,
) -> Result<(), serde_json::Error> {
    let (schedule, state) = (serde_json::to_string(&record.schedule)?, serde_json::to_string(&record.state)?);
    row.text(&record.schedule.id)
        .text(&record.schedule.workflow_id)
        .text(&schedule)
        .text(&state)
        .maybe_text(record.blocked_by.map(|run_id| run_id.to_string()).as_deref())
        .int(record.version)
        .maybe_int(expected)
        .maybe_instant(record.next_at)
        .maybe_instant(record.due_at)
        .maybe_instant(has_instant.then_some(record.written_at));
    Ok(())
}

/// Returns one schedule as a row, as [`put_schedule`] adds it.
///
/// # Errors
/// As [`put_schedule`].
pub(in crate::stores) fn schedule_row<L: RowList>(
    record: &ScheduleRecord,
    expected: Option<u64>,
    has_instant: bool,
) -> Result<L, serde_json::Error> {
    let (mut rows, mut outcome) = (L::default(), Ok(()));
    rows.push(|row| outcome = put_schedule(row, record, expected, has_instant));
    outcome.map(|()| rows)
}

/// Returns the schedules that ticks have moved, by id: id, state, `blocked_by`, version, expected version, `next_at`,
/// `due_at`, `written_at`. A tick does not change when to start what, which may be large.
///
/// # Errors
/// When a state cannot be written as JSON.
pub(in crate::stores) fn moved_schedules<L: RowList>(
    moved: &[MovedSchedule],
) -> Result<L, serde_json::Error> {
    // In the order of their ids: two transactions that write the same schedules then wait for each other without a deadlock.
    let mut ordered: Vec<&MovedSchedule> = moved.iter().collect();
    ordered.sort_by(|a, b| a.record.schedule.id.cmp(&b.record.schedule.id));
    let mut rows = L::default();
    for MovedSchedule { expected, record } in ordered {
        let state = serde_json::to_string(&record.state)?;
        rows.push(|row| {
            row.text(&record.schedule.id)
                .text(&state)
                .maybe_text(record.blocked_by.map(|run_id| run_id.to_string()).as_deref())
                .int(record.version)
                .int(*expected)
                .maybe_instant(record.next_at)
                .maybe_instant(record.due_at)
                .instant(record.written_at);
        });
    }
    Ok(rows)
}
