//! Brings back instants that were written while the clock was ahead.
//!
//! A row that waits until an instant also has the instant at which that one was written. Where the latter lies in the
//! future, the clock was set back after the row was written, and the wait is too long by that distance. A row that was
//! written earlier keeps its instant. A lease without a row gets one, with the corrected end.

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::session::Session;
use crate::stores::instant;
use crate::stores::rows::WriteColumns;

/// The jobs whose stages may be suspended: those that wait for a check, and those whose check runs.
macro_rules! jobs_of_waits {
    () => {
        "SELECT workflow_run_id, stage_id, place FROM {prefix}job_queue INDEXED BY {prefix}job_queue_suspended
            WHERE status = 'SUSPENDED'
        UNION ALL
        SELECT workflow_run_id, stage_id, place FROM {prefix}job_queue INDEXED BY {prefix}job_queue_leased
            WHERE status = 'RUNNING'"
    };
}

/// Whether a correction would change a row. For a read outside of the write transaction. `?1` is now, `?2` the instant
/// that means never.
pub(super) const ANY_AHEAD: &str = concat!(
    "SELECT EXISTS (
        SELECT 1 FROM {prefix}job_queue INDEXED BY {prefix}job_queue_pending
        WHERE status = 'PENDING' AND run_at > ?1 AND run_at < ?2 AND due_written_at > ?1)
    OR EXISTS (
        SELECT 1 FROM {prefix}job_queue INDEXED BY {prefix}job_queue_suspended
        WHERE status = 'SUSPENDED' AND run_at > ?1 AND run_at < ?2 AND due_written_at > ?1)
    OR EXISTS (
        SELECT 1 FROM {prefix}job_queue INDEXED BY {prefix}job_queue_leased
        WHERE status = 'RUNNING' AND leased_until > ?1 AND leased_until < ?2 AND due_written_at > ?1)
    OR EXISTS (
        SELECT 1 FROM (",
    jobs_of_waits!(),
    ") AS p CROSS JOIN {prefix}stage_rows AS w
            ON w.workflow_run_id = p.workflow_run_id AND w.stage_id = p.stage_id AND w.place = p.place
        WHERE w.max_wait_until > ?1 AND w.max_wait_until < ?2 AND w.wait_written_at > ?1)
    OR EXISTS (
        SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_due
        WHERE status = 'PENDING' AND due_at IS NOT NULL AND due_at > ?1 AND due_at < ?2 AND due_at - due_after > ?1)
    OR EXISTS (
        SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_deadline
        WHERE completed_at IS NULL AND deadline_at IS NOT NULL AND deadline_at > ?1 AND deadline_at < ?2
            AND (due_at IS NULL OR status <> 'PENDING') AND deadline_at - deadline > ?1)
    OR EXISTS (
        SELECT 1 FROM {prefix}plugin_deliveries
        WHERE plugin IN (SELECT name FROM {prefix}subscribers) AND dlq_at IS NULL
            AND due_at > ?1 AND due_at < ?2 AND due_written_at > ?1)
    OR EXISTS (
        SELECT 1 FROM {prefix}schedules INDEXED BY {prefix}schedules_written
        WHERE due_at IS NOT NULL AND written_at > ?1 AND due_at > ?1 AND due_at < ?2)"
);

const PENDING: &str = "
    UPDATE {prefix}job_queue INDEXED BY {prefix}job_queue_pending
    SET run_at = run_at - (due_written_at - ?1), due_written_at = ?1
    WHERE status = 'PENDING' AND run_at > ?1 AND run_at < ?2 AND due_written_at > ?1 RETURNING 1";

const SUSPENDED: &str = "
    UPDATE {prefix}job_queue INDEXED BY {prefix}job_queue_suspended
    SET run_at = run_at - (due_written_at - ?1), due_written_at = ?1
    WHERE status = 'SUSPENDED' AND run_at > ?1 AND run_at < ?2 AND due_written_at > ?1 RETURNING 1";

/// A lease then lasts as long from now as it would have from its last renewal. Its epoch keeps fencing its worker.
const LEASED: &str = "
    UPDATE {prefix}job_queue INDEXED BY {prefix}job_queue_leased
    SET leased_until = leased_until - (due_written_at - ?1), due_written_at = ?1
    WHERE status = 'RUNNING' AND leased_until > ?1 AND leased_until < ?2 AND due_written_at > ?1 RETURNING 1";

const WAITS: &str = concat!(
    "UPDATE {prefix}stage_rows SET max_wait_until = max_wait_until - (wait_written_at - ?1), wait_written_at = ?1
    FROM (",
    jobs_of_waits!(),
    ") AS p
    WHERE {prefix}stage_rows.workflow_run_id = p.workflow_run_id AND {prefix}stage_rows.stage_id = p.stage_id
        AND {prefix}stage_rows.place = p.place
        AND max_wait_until > ?1 AND max_wait_until < ?2 AND wait_written_at > ?1 RETURNING 1"
);

const DELIVERIES: &str = "
    UPDATE {prefix}plugin_deliveries SET due_at = due_at - (due_written_at - ?1), due_written_at = ?1
    WHERE plugin IN (SELECT name FROM {prefix}subscribers) AND dlq_at IS NULL
        AND due_at > ?1 AND due_at < ?2 AND due_written_at > ?1 RETURNING 1";

/// The instant of writing of a start lies its time before it. A deadline that counts from the start moves with it.
const STARTS: &str = "
    UPDATE {prefix}runs INDEXED BY {prefix}runs_due
    SET deadline_at = deadline_at - (due_at - due_after - ?1), due_at = ?1 + due_after
    WHERE status = 'PENDING' AND due_at IS NOT NULL AND due_at > ?1 AND due_at < ?2 AND due_at - due_after > ?1
    RETURNING 1";

const DEADLINES: &str = "
    UPDATE {prefix}runs INDEXED BY {prefix}runs_deadline SET deadline_at = ?1 + deadline
    WHERE completed_at IS NULL AND deadline_at IS NOT NULL AND deadline_at > ?1 AND deadline_at < ?2
        AND (due_at IS NULL OR status <> 'PENDING') AND deadline_at - deadline > ?1
    RETURNING 1";

/// A tick is an instant of the calendar and stays. A schedule that has moved while the clock was ahead looks for its next tick
/// again.
const SCHEDULES: &str = "
    UPDATE {prefix}schedules INDEXED BY {prefix}schedules_written SET due_at = ?1, written_at = ?1, version = version + 1
    WHERE due_at IS NOT NULL AND written_at > ?1 AND due_at > ?1 AND due_at < ?2
    RETURNING 1";

const CORRECTIONS: [&str; 8] = [PENDING, SUSPENDED, LEASED, WAITS, DELIVERIES, STARTS, DEADLINES, SCHEDULES];

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[ANY_AHEAD, PENDING, SUSPENDED, LEASED, WAITS, DELIVERIES, STARTS, DEADLINES, SCHEDULES];

/// Corrects every row, and returns their number.
pub(super) fn correct(session: &Session, now: DateTime<Utc>) -> Result<usize, Failure> {
    let mut corrected = 0;
    for statement in CORRECTIONS {
        let rows = session.fetch("correct instants", statement, |arguments| {
            arguments.instant(now).instant(instant::NEVER);
        })?;
        corrected += rows.len();
    }
    Ok(corrected)
}
