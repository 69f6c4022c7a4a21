//! Schedules.

use async_trait::async_trait;
use chrono::DateTime;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::{distinct_texts, number};
use super::batch::Batch;
use super::column_arrays::ColumnArrays;
use super::columns::{self, Columns, record};
use super::failure::Failure;
use super::schedule_commits::LOAD;
use super::text::stored;
use crate::error::Error;
use crate::ports::{DueSchedules, ScheduleWaits, Schedules};
use crate::records::ScheduleRecord;
use crate::stores::rows::{FromColumns, ReadColumns, schedule_columns, schedule_row};

pub(super) const ALL: &str = concat!(
    "SELECT ",
    schedule_columns!(array_row),
    " FROM {schema}.workflow_schedules AS s WHERE s.id > $1 ORDER BY s.id LIMIT $2"
);

/// Reads the range of the index of each workflow up to the limit. The last instant is the database's time.
pub(super) const DUE: &str = "
    SELECT d.blocked_by, ARRAY[d.schedule, d.state], ARRAY[d.version],
        ARRAY[d.next_at, d.due_at, d.written_at, coalesce($2, statement_timestamp())]
    FROM unnest($1) AS w (workflow_id) CROSS JOIN LATERAL (
        (SELECT s.*, TRUE AS is_unblocked FROM {schema}.workflow_schedules AS s
        WHERE s.workflow_id = w.workflow_id AND s.blocked_by IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM {schema}.workflow_runs AS r WHERE r.id = s.blocked_by AND r.completed_at IS NULL)
        ORDER BY s.blocked_by, s.id LIMIT $3)
        UNION ALL
        (SELECT s.*, FALSE FROM {schema}.workflow_schedules AS s
        WHERE s.workflow_id = w.workflow_id AND s.due_at IS NOT NULL
            AND s.due_at <= coalesce($2, statement_timestamp())
        ORDER BY s.due_at, s.id LIMIT $3)
    ) AS d
    ORDER BY d.is_unblocked DESC, d.due_at, d.id LIMIT $3";

/// The earliest due instant with the database's time, then the runs that block schedules.
pub(super) const WAITS: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[min(due), statement_timestamp()] FROM (
        SELECT (SELECT s.due_at FROM {schema}.workflow_schedules AS s
            WHERE s.workflow_id = w.workflow_id AND s.due_at IS NOT NULL ORDER BY s.due_at, s.id LIMIT 1) AS due
        FROM unnest($1) AS w (workflow_id)
    ) AS first
    UNION ALL
    (SELECT s.blocked_by, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM unnest($1) AS w (workflow_id) JOIN {schema}.workflow_schedules AS s
        ON s.workflow_id = w.workflow_id AND s.blocked_by IS NOT NULL
    ORDER BY s.blocked_by LIMIT $2)";

/// Adds a schedule of a new id.
const INSERT: &str = "
    INSERT INTO {schema}.workflow_schedules AS s
        (id, workflow_id, schedule, state, blocked_by, version, next_at, due_at, written_at)
    SELECT n.id, n.workflow_id, n.schedule, n.state, n.blocked_by::uuid, n.version, n.next_at, n.due_at,
        coalesce(n.written_at, statement_timestamp())
    FROM unnest($1, $2, $3, $4, $5, $6, $7::bigint[], $8, $9, $10::timestamptz[])
        AS n (id, workflow_id, schedule, state, blocked_by, version, expected, next_at, due_at, written_at)
    ON CONFLICT (id) DO NOTHING RETURNING s.version";

const UPDATE: &str = "
    UPDATE {schema}.workflow_schedules AS s
    SET workflow_id = n.workflow_id, schedule = n.schedule, state = n.state, blocked_by = n.blocked_by::uuid,
        version = n.version, next_at = n.next_at, due_at = n.due_at,
        written_at = coalesce(n.written_at, statement_timestamp())
    FROM unnest($1, $2, $3, $4, $5, $6, $7::bigint[], $8, $9, $10::timestamptz[])
        AS n (id, workflow_id, schedule, state, blocked_by, version, expected, next_at, due_at, written_at)
    WHERE s.id = n.id AND s.version = n.expected RETURNING s.version";

const DELETE: &str = "DELETE FROM {schema}.workflow_schedules WHERE id = $1 RETURNING version";

async fn put(batch: &mut Batch, (record, expected): &(ScheduleRecord, Option<u64>)) -> Result<bool, Failure> {
    const ACTION: &str = "write a schedule";

    let now = batch.transaction.database.test_now();
    let record = ScheduleRecord { written_at: now.unwrap_or(record.written_at), ..record.clone() };
    let row = schedule_row::<ColumnArrays>(&record, *expected, now.is_some());
    let row = row.map_err(|error| Failure::permanent(ACTION, error))?;
    let statement = if expected.is_some() { UPDATE } else { INSERT };
    let query = row.bind(batch.transaction.query(statement));
    let written = !batch.transaction.fetch(ACTION, query).await?.is_empty();
    if written {
        batch.set.notifications.timer_set();
    }
    Ok(written)
}

async fn delete(batch: &mut Batch, id: &str) -> Result<bool, Failure> {
    let query = batch.transaction.query(DELETE).bind(stored(id).into_owned());
    Ok(!batch.transaction.fetch("delete a schedule", query).await?.is_empty())
}

#[async_trait]
impl Schedules for PostgresStore {
    async fn schedule(&self, id: &str) -> Result<Option<ScheduleRecord>, Error> {
        let ids = vec![stored(id).into_owned()];
        let rows = self.read("read a schedule", move |database| database.query(LOAD).bind(ids.clone()));
        Ok(rows.await?.first().map(record).transpose()?)
    }

    async fn schedules(&self, after: Option<&str>, limit: usize) -> Result<Vec<ScheduleRecord>, Error> {
        let (after, limit) = (stored(after.unwrap_or_default()).into_owned(), number(limit));
        let rows =
            self.read("read schedules", move |database| database.query(ALL).bind(after.clone()).bind(limit));
        Ok(columns::records(&rows.await?)?)
    }

    async fn due_schedules(&self, workflow_ids: &[String], limit: usize) -> Result<DueSchedules, Error> {
        let (workflows, limit) = (distinct_texts(workflow_ids), number(limit));
        let rows = self.read("read schedules that are due", move |database| {
            database.query(DUE).bind(workflows.clone()).bind(database.test_now()).bind(limit)
        });
        let mut due = DueSchedules { now: DateTime::UNIX_EPOCH, schedules: Vec::new() };
        for row in &rows.await? {
            let mut columns = Columns::new(row, ScheduleRecord::TABLE)?;
            due.schedules.push(ScheduleRecord::from_columns(&mut columns)?);
            due.now = columns.instant("now")?;
        }
        Ok(due)
    }

    async fn schedule_waits(&self, workflow_ids: &[String]) -> Result<ScheduleWaits, Error> {
        let (workflows, limit) = (distinct_texts(workflow_ids), number(ScheduleWaits::MAX_RUNS));
        let rows = self.read("read what schedules wait for", move |database| {
            database.query(WAITS).bind(workflows.clone()).bind(limit)
        });
        let rows = rows.await?;
        let is_run = |row: &&PgRow| row.try_get::<Option<Uuid>, _>(0).is_ok_and(|id| id.is_some());
        let runs = rows.iter().filter(is_run).map(|row| Columns::new(row, ScheduleRecord::TABLE)?.run_id());
        let runs = runs.collect::<Result<_, Failure>>()?;
        Ok(ScheduleWaits { next_due: self.local_due(&rows)?, runs })
    }

    async fn put_schedule(&self, record: &ScheduleRecord, expected: Option<u64>) -> Result<bool, Error> {
        self.write("write a schedule", |batch, input| Box::pin(put(batch, input)), (record.clone(), expected))
            .await
    }

    async fn delete_schedule(&self, id: &str) -> Result<bool, Error> {
        self.write("delete a schedule", |batch, id: &String| Box::pin(delete(batch, id)), id.to_owned()).await
    }
}
