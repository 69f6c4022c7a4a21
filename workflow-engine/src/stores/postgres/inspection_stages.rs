//! Reads the ends of stages.

use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::records::StageEnd;
use crate::stores::queue_counts::MAX_STAGE_ENDS;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

/// A stage that has ended has a row.
const STAGE_ENDS: &str = "
    SELECT NULL::uuid, ARRAY[s.stage_id, s.status], ARRAY[s.attempt], ARRAY[s.started_at, s.completed_at]
    FROM unnest($1::uuid[]) AS n (id) JOIN {schema}.workflow_stage_rows AS s ON s.workflow_run_id = n.id
    WHERE s.status IN ('COMPLETED', 'FAILED') AND s.attempt > 0 LIMIT $2";

impl PostgresStore {
    pub(super) async fn read_stage_ends(&self, run_ids: Vec<RunId>) -> Result<Vec<StageEnd>, Error> {
        let ids: Vec<Uuid> = run_ids.iter().map(|run_id| *run_id.as_uuid()).collect();
        let rows = self.inspect("read the ends of stages", move |database| {
            database.query(STAGE_ENDS).bind(ids.clone()).bind(number(MAX_STAGE_ENDS))
        });
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_stages")?;
            Ok(StageEnd {
                stage_id: columns.text("stage_id")?,
                status: columns.status()?,
                attempt: columns.int("attempt")?,
                started_at: columns.maybe_instant("started_at")?,
                completed_at: columns.maybe_instant("completed_at")?,
            })
        };
        Ok(rows.await?.iter().map(read).collect::<Result<_, Failure>>()?)
    }
}
