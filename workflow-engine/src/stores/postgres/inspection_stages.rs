//! Reads the ends of stages.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::records::{StageEnd, Status};
use crate::stores::queue_counts::MAX_STAGE_ENDS;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

/// A stage that has ended has a row.
const STAGE_ENDS: &str = "
    SELECT NULL::uuid, ARRAY[s.stage_id, s.status], ARRAY[s.attempt], ARRAY[s.started_at, s.completed_at]
    FROM unnest($1::uuid[]) AS n (id) JOIN {schema}.workflow_stage_rows AS s ON s.workflow_run_id = n.id
    WHERE s.status IN ('COMPLETED', 'FAILED') AND s.attempt > 0 LIMIT $2";

const COUNT: &str = "
    SELECT n.id, ARRAY[]::text[], ARRAY[(SELECT count(*) FROM {schema}.workflow_stage_rows AS s
        WHERE s.workflow_run_id = n.id AND s.status = ANY($2))], ARRAY[]::timestamptz[]
    FROM unnest($1::uuid[]) AS n (id)";

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

    pub(super) async fn read_stage_counts(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        let ids: Vec<Uuid> = run_ids.iter().map(|run_id| *run_id.as_uuid()).collect();
        let names: Vec<String> = statuses.iter().map(|status| status.as_str().to_owned()).collect();
        let rows = self.inspect("count the stages of runs", move |database| {
            database.query(COUNT).bind(ids.clone()).bind(names.clone())
        });
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_stages")?;
            Ok((columns.run_id()?, columns.int("count")?))
        };
        Ok(rows.await?.iter().map(read).collect::<Result<_, Failure>>()?)
    }
}
