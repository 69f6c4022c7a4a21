//! Schedules.

use async_trait::async_trait;

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::columns::{Columns, record, records};
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::schedule_commits::LOAD;
use crate::error::Error;
use crate::ports::{DueSchedules, ScheduleWaits, Schedules};
use crate::records::ScheduleRecord;
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, WriteColumns, schedule_columns, schedule_row};

const ALL: &str = concat!(
    "SELECT ",
    schedule_columns!(flat_row),
    " FROM {prefix}schedules AS s WHERE s.id > ?1 ORDER BY s.id LIMIT ?2"
);

/// The longest overdue first. All that are due are sorted: one workflow with many does not hide those of others.
const DUE: &str = concat!(
    "SELECT ",
    schedule_columns!(flat_row),
    " FROM jsonb_each(?1) AS w CROSS JOIN {prefix}schedules AS s
        ON s.workflow_id = w.value AND s.due_at IS NOT NULL AND s.due_at <= ?2
    ORDER BY s.due_at, s.id LIMIT ?3"
);

const UNBLOCKED: &str = concat!(
    "SELECT ",
    schedule_columns!(flat_row),
    " FROM jsonb_each(?1) AS w CROSS JOIN {prefix}schedules AS s
        ON s.workflow_id = w.value AND s.blocked_by IS NOT NULL
    WHERE NOT EXISTS (SELECT 1 FROM {prefix}runs AS r WHERE r.id = s.blocked_by AND r.completed_at IS NULL)
    ORDER BY s.blocked_by, s.id LIMIT ?2"
);

/// The runs that block schedules, and in the first row the earliest due instant.
const WAITS: &str = "
    SELECT NULL AS blocked_by, min(due) AS due FROM (
        SELECT (SELECT s.due_at FROM {prefix}schedules AS s
            WHERE s.workflow_id = w.value AND s.due_at IS NOT NULL ORDER BY s.due_at LIMIT 1) AS due
        FROM jsonb_each(?1) AS w
    )
    UNION ALL
    SELECT * FROM (
        SELECT s.blocked_by, NULL FROM jsonb_each(?1) AS w CROSS JOIN {prefix}schedules AS s
            ON s.workflow_id = w.value AND s.blocked_by IS NOT NULL
        LIMIT ?2
    )";

/// Adds a schedule of a new id.
const INSERT: &str = "
    INSERT INTO {prefix}schedules (id, workflow_id, schedule, state, blocked_by, version, next_at, due_at, written_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 7, value ->> 8,
        value ->> 9
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (id) DO NOTHING RETURNING version";

const UPDATE: &str = "
    UPDATE {prefix}schedules
    SET workflow_id = n.value ->> 1, schedule = n.value ->> 2, state = n.value ->> 3, blocked_by = n.value ->> 4,
        version = n.value ->> 5, next_at = n.value ->> 7, due_at = n.value ->> 8, written_at = n.value ->> 9
    FROM jsonb_each(?1) AS n
    WHERE {prefix}schedules.id = n.value ->> 0 AND {prefix}schedules.version = n.value ->> 6
    RETURNING {prefix}schedules.version";

const DELETE: &str = "DELETE FROM {prefix}schedules WHERE id = ?1 RETURNING version";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOAD, ALL, DUE, UNBLOCKED, WAITS, INSERT, UPDATE, DELETE];

fn put(batch: &mut Batch, (record, expected): &(ScheduleRecord, Option<u64>)) -> Result<bool, Failure> {
    const DOING: &str = "write a schedule";

    let record = ScheduleRecord { written_at: batch.now, ..record.clone() };
    let row = schedule_row::<JsonRows>(&record, *expected, true);
    let row = row.map_err(|error| Failure::lasting(DOING, error))?.finish();
    let statement = if expected.is_some() { UPDATE } else { INSERT };
    let written = batch.session.fetch(DOING, statement, |arguments| _ = arguments.text(&row))?;
    if !written.is_empty() {
        batch.set.notifications.timer_set();
    }
    Ok(!written.is_empty())
}

#[async_trait]
impl Schedules for SqliteStore {
    async fn schedule(&self, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        let rows = self.read("read a schedule", self.query(LOAD).bind(id.to_owned())).await?;
        Ok(rows.first().map(record).transpose()?)
    }

    async fn schedules(&self, after: Option<&str>, limit: usize) -> Result<Vec<ScheduleRecord>, Error> {
        let query = self.query(ALL).bind(after.unwrap_or_default().to_owned()).bind(count(limit));
        Ok(records(&self.read("read schedules", query).await?)?)
    }

    async fn due_schedules(&self, workflow_ids: &[String], limit: usize) -> Result<DueSchedules, Error> {
        const DOING: &str = "read schedules that are due";

        let now = instant::now(&*self.clock);
        let query = self.query(UNBLOCKED).bind(names(workflow_ids)).bind(count(limit));
        let mut schedules: Vec<ScheduleRecord> = records(&self.read(DOING, query).await?)?;
        let query = self.query(DUE).bind(names(workflow_ids)).bind(now.timestamp_micros());
        let rows = self.read(DOING, query.bind(count(limit - schedules.len().min(limit)))).await?;
        schedules.extend(records::<ScheduleRecord>(&rows)?);
        Ok(DueSchedules { now, schedules })
    }

    async fn schedule_waits(&self, workflow_ids: &[String]) -> Result<ScheduleWaits, Error> {
        let query = self.query(WAITS).bind(names(workflow_ids)).bind(count(ScheduleWaits::MAX_RUNS));
        let mut waits = ScheduleWaits::default();
        for row in &self.read("read what schedules wait for", query).await? {
            let mut columns = Columns::new(row, "workflow_schedules", 0);
            waits.runs.extend(columns.maybe_run_id("blocked_by")?);
            waits.next_due = waits.next_due.or(columns.maybe_instant("due_at")?);
        }
        waits.runs.sort_unstable();
        Ok(waits)
    }

    async fn put_schedule(&self, record: &ScheduleRecord, expected: Option<u64>) -> Result<bool, Error> {
        self.write("write a schedule", put, (record.clone(), expected)).await
    }

    async fn delete_schedule(&self, id: &str) -> Result<bool, Error> {
        const DOING: &str = "delete a schedule";

        let delete = |batch: &mut Batch, id: &String| {
            let deleted = batch.session.fetch(DOING, DELETE, |arguments| _ = arguments.text(id))?;
            Ok(!deleted.is_empty())
        };
        self.write(DOING, delete, id.to_owned()).await
    }
}

/// Returns texts as one argument.
fn names(texts: &[String]) -> String {
    // An array of texts always has a JSON form.
    serde_json::to_string(texts).unwrap_or_default()
}
