//! Reads the ends of stages.

use std::collections::BTreeMap;

use super::SqliteStore;
use super::arguments::count;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::records::{StageEnd, Status};
use crate::stores::queue_counts::MAX_STAGE_ENDS;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

/// A stage that has ended has a row.
const STAGE_ENDS: &str = "
    SELECT s.stage_id, s.status, s.attempt, s.started_at, s.completed_at
    FROM json_each(?1) AS n CROSS JOIN {prefix}stage_rows AS s ON s.workflow_run_id = n.value
    WHERE s.status IN ('COMPLETED', 'FAILED') AND s.attempt > 0 LIMIT ?2";

const COUNT: &str = "
    SELECT n.value, (SELECT count(*) FROM {prefix}stage_rows AS s
        WHERE s.workflow_run_id = n.value AND instr(?2, s.status) > 0) FROM json_each(?1) AS n";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[STAGE_ENDS, COUNT];

impl SqliteStore {
    pub(super) async fn read_stage_ends(&self, run_ids: &[RunId]) -> Result<Vec<StageEnd>, Error> {
        // Ids always have a JSON form.
        let ids = serde_json::to_string(run_ids).unwrap_or_default();
        let query = self.query(STAGE_ENDS).bind(ids).bind(count(MAX_STAGE_ENDS));
        let rows = self.inspect("read the ends of stages", query).await?;
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_stages", 0);
            Ok(StageEnd {
                stage_id: columns.text("stage_id")?,
                status: columns.status()?,
                attempt: columns.int("attempt")?,
                started_at: columns.maybe_instant("started_at")?,
                completed_at: columns.maybe_instant("completed_at")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn read_stage_counts(
        &self,
        run_ids: &[RunId],
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        let ids = serde_json::to_string(run_ids).unwrap_or_default();
        let names = statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(",");
        let rows = self.inspect("count the stages of runs", self.query(COUNT).bind(ids).bind(names)).await?;
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_stages", 0);
            Ok((columns.run_id()?, columns.int("count")?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, Failure>>()?)
    }
}
