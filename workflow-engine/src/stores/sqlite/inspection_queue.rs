//! Counts the entries of the queue.

use super::SqliteStore;
use super::arguments::count;
use super::columns::Columns;
use crate::error::Error;
use crate::records::QueueOverview;
use crate::stores::instant;
use crate::stores::queue_counts::{CAP, read};

/// The first entries of each kind, at most ?1. Each index has the entries of its kind only. A stage that the owner of its
/// run holds has no row: it is an entry of its run.
const QUEUE: &str = "
    WITH e AS MATERIALIZED (
        SELECT * FROM (SELECT r.workflow_id, 'ready' AS kind, r.created_at AS at
            FROM {prefix}runs AS r WHERE r.status = 'PENDING' AND r.due_at IS NULL LIMIT ?1)
        UNION ALL SELECT * FROM (SELECT r.workflow_id, CASE WHEN r.due_at <= ?2 THEN 'ready' ELSE 'scheduled' END, r.due_at
            FROM {prefix}runs AS r WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL LIMIT ?1)
        UNION ALL SELECT * FROM (SELECT j.workflow_id, CASE WHEN j.run_at <= ?2 THEN 'ready' ELSE 'scheduled' END, j.run_at
            FROM {prefix}job_queue AS j WHERE j.status = 'PENDING' LIMIT ?1)
        UNION ALL SELECT * FROM (SELECT j.workflow_id, 'leased', j.leased_until
            FROM {prefix}job_queue AS j WHERE j.status = 'RUNNING' LIMIT ?1)
        UNION ALL SELECT * FROM (SELECT r.workflow_id, 'leased', e.value ->> 1
            FROM {prefix}runs AS r INDEXED BY {prefix}runs_held CROSS JOIN json_each(r.held) AS e
            WHERE r.owner IS NOT NULL AND json_array_length(e.value) > 2 LIMIT ?1)
        UNION ALL SELECT * FROM (SELECT j.workflow_id, 'waiting', j.run_at
            FROM {prefix}job_queue AS j WHERE j.status = 'SUSPENDED' LIMIT ?1)
        UNION ALL SELECT * FROM (SELECT r.workflow_id, 'dead', r.completed_at
            FROM {prefix}runs AS r WHERE r.status IN ('FAILED', 'CANCELLED') AND r.status = 'FAILED' LIMIT ?1)
    )
    SELECT e.workflow_id, e.kind, count(*), min(e.at) FROM e GROUP BY e.workflow_id, e.kind";

/// The statement of this file, for the test of its query plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[QUEUE];

impl SqliteStore {
    /// Counts the entries of the queue by workflow and kind.
    pub(super) async fn read_queue(&self) -> Result<QueueOverview, Error> {
        let now = instant::now(&*self.clock).timestamp_micros();
        let query = self.query(QUEUE).bind(count(CAP)).bind(now);
        let rows = self.inspect("count the queue", query).await?;
        Ok(read(rows.iter().map(|row| Columns::new(row, "workflow_job_queue", 0)))?)
    }
}
