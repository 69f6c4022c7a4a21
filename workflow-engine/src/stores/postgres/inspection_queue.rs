//! Counts the entries of the queue.

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::records::QueueOverview;
use crate::stores::queue_counts::{CAP, read};

/// The first entries of each kind, at most $1. Each index has the entries of its kind only. A stage that the owner of its
/// run holds has no row: it is an entry of its run.
const QUEUE: &str = "
    WITH e AS MATERIALIZED (
        (SELECT r.workflow_id, 'ready' AS kind, r.created_at AS at
            FROM {schema}.workflow_runs AS r WHERE r.status = 'PENDING' AND r.due_at IS NULL LIMIT $1)
        UNION ALL (SELECT r.workflow_id,
                CASE WHEN r.due_at <= coalesce($2, statement_timestamp()) THEN 'ready' ELSE 'scheduled' END, r.due_at
            FROM {schema}.workflow_runs AS r WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL LIMIT $1)
        UNION ALL (SELECT j.workflow_id,
                CASE WHEN j.run_at <= coalesce($2, statement_timestamp()) THEN 'ready' ELSE 'scheduled' END, j.run_at
            FROM {schema}.workflow_job_queue AS j WHERE j.status = 'PENDING' LIMIT $1)
        UNION ALL (SELECT j.workflow_id, 'leased', j.leased_until
            FROM {schema}.workflow_job_queue AS j WHERE j.status = 'RUNNING' LIMIT $1)
        UNION ALL (SELECT r.workflow_id, 'leased', r.held_until
            FROM {schema}.workflow_runs AS r CROSS JOIN LATERAL json_array_elements(r.held::json) AS e (entry)
            WHERE r.owner IS NOT NULL AND json_array_length(e.entry) > 2 LIMIT $1)
        UNION ALL (SELECT j.workflow_id, 'waiting', j.run_at
            FROM {schema}.workflow_job_queue AS j WHERE j.status = 'SUSPENDED' LIMIT $1)
        UNION ALL (SELECT r.workflow_id, 'dead', r.completed_at
            FROM {schema}.workflow_runs AS r
            WHERE r.status IN ('FAILED', 'CANCELLED') AND r.status = 'FAILED' LIMIT $1)
    )
    SELECT NULL::uuid, ARRAY[e.workflow_id, e.kind], ARRAY[count(*)], ARRAY[min(e.at)]
    FROM e GROUP BY e.workflow_id, e.kind";

impl PostgresStore {
    /// Counts the entries of the queue by workflow and kind.
    pub(super) async fn read_queue(&self) -> Result<QueueOverview, Error> {
        let rows = self.inspect("count the queue", |database| {
            database.query(QUEUE).bind(number(CAP)).bind(database.test_now())
        });
        let rows = rows.await?;
        let columns: Vec<Columns> =
            rows.iter().map(|row| Columns::new(row, "workflow_job_queue")).collect::<Result<_, Failure>>()?;
        Ok(read(columns.into_iter())?)
    }
}
