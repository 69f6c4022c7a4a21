//! What the runs have spent that a run has started, and those that they have started.

use super::SqliteStore;
use super::columns::Columns;
use crate::error::Error;
use crate::records::CostSummary;
use crate::stores::cost_hours::{MAX_DESCENDANTS, read_descendants};
use crate::value::RunId;

/// A run is never its own descendant, because its parent exists before it.
const SPENDING: &str = "
    WITH RECURSIVE d (id) AS (
        SELECT r.id FROM {prefix}runs AS r INDEXED BY {prefix}runs_children WHERE r.parent_run_id = ?1
        UNION ALL
        SELECT r.id FROM d CROSS JOIN {prefix}runs AS r INDEXED BY {prefix}runs_children ON r.parent_run_id = d.id
        LIMIT ?2)
    SELECT coalesce(sum(r.total_cost >> 32), 0), coalesce(sum(r.total_cost & 4294967295), 0),
        coalesce(sum(r.reserved_cost >> 32), 0), coalesce(sum(r.reserved_cost & 4294967295), 0),
        coalesce(sum(r.total_tokens), 0), coalesce(sum(r.pending_calls), 0)
    FROM d CROSS JOIN {prefix}runs AS r ON r.id = d.id";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SPENDING];

impl SqliteStore {
    pub(super) async fn read_costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error> {
        let query = self.query(SPENDING).bind(run_id.to_string()).bind(MAX_DESCENDANTS);
        let rows = self.inspect("sum up the costs of the children of a run", query).await?;
        let Some(row) = rows.first() else { return Ok(CostSummary::default()) };
        Ok(read_descendants(&mut Columns::new(row, "workflow_runs", 0))?)
    }
}
