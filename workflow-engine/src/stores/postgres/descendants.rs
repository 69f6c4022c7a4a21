//! What the runs have spent that a run has started, and those that they have started.

use super::PostgresStore;
use super::columns::Columns;
use crate::error::Error;
use crate::records::CostSummary;
use crate::stores::cost_hours::{MAX_DESCENDANTS, read_descendants};
use crate::value::RunId;

/// A run is never its own descendant, because its parent exists before it.
const SPENDING: &str = "
    WITH RECURSIVE d (id, total_cost, reserved_cost, total_tokens, pending_calls) AS (
        SELECT r.id, r.total_cost, r.reserved_cost, r.total_tokens, r.pending_calls
        FROM {schema}.workflow_runs AS r WHERE r.parent_run_id = $1
        UNION ALL
        SELECT r.id, r.total_cost, r.reserved_cost, r.total_tokens, r.pending_calls
        FROM d JOIN {schema}.workflow_runs AS r ON r.parent_run_id = d.id
    )
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[
        coalesce(sum(n.total_cost >> 32), 0)::bigint, coalesce(sum(n.total_cost & 4294967295), 0)::bigint,
        coalesce(sum(n.reserved_cost >> 32), 0)::bigint, coalesce(sum(n.reserved_cost & 4294967295), 0)::bigint,
        coalesce(sum(n.total_tokens), 0)::bigint, coalesce(sum(n.pending_calls), 0)::bigint
    ], ARRAY[]::timestamptz[]
    FROM (SELECT * FROM d LIMIT $2) AS n";

impl PostgresStore {
    pub(super) async fn read_costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error> {
        let id = *run_id.as_uuid();
        let rows = self.inspect("sum up the costs of the children of a run", move |database| {
            database.query(SPENDING).bind(id).bind(MAX_DESCENDANTS)
        });
        let rows = rows.await?;
        let Some(row) = rows.first() else { return Ok(CostSummary::default()) };
        Ok(Columns::new(row, "workflow_runs").and_then(|mut columns| read_descendants(&mut columns))?)
    }
}
