//! Finds expensive runs.

use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{ExpensiveRuns, ExpensiveRunsQuery};
use crate::stores::rows::ReadColumns;
use crate::value::Cost;

/// The runs that have cost so much, then one row about all that were read.
const EXPENSIVE: &str = "
    WITH c AS MATERIALIZED (SELECT r.id, r.created_at, r.total_cost FROM {schema}.workflow_runs AS r
        WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2)
    (SELECT c.id, ARRAY[]::text[], ARRAY[c.total_cost], ARRAY[c.created_at] FROM c WHERE c.total_cost >= $3)
    UNION ALL (SELECT (SELECT l.id FROM c AS l ORDER BY l.id LIMIT 1), ARRAY[]::text[], ARRAY[count(*)],
        ARRAY[(SELECT l.created_at FROM c AS l ORDER BY l.id LIMIT 1)] FROM c)";

impl PostgresStore {
    pub(super) async fn read_expensive_runs(
        &self,
        query: &ExpensiveRunsQuery,
    ) -> Result<ExpensiveRuns, Error> {
        let after = query.after.map_or(Uuid::max(), |run_id| *run_id.as_uuid());
        let (candidates, least) = (number(query.candidates), query.at_least.picodollars());
        let rows = self.inspect("find expensive runs", move |database| {
            database.query(EXPENSIVE).bind(after).bind(candidates).bind(least)
        });
        let rows = rows.await?;
        let Some((end, runs)) = rows.split_last() else { return Ok(ExpensiveRuns::default()) };
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_runs")?;
            let (id, created_at) = (columns.run_id()?, columns.instant("created_at")?);
            Ok((id, created_at, Cost::from_picodollars(columns.int("total_cost")?)))
        };
        let runs = runs.iter().map(read).collect::<Result<_, Failure>>()?;
        let mut columns = Columns::new(end, "workflow_runs")?;
        let candidates = columns.int("count")?;
        let created_at = columns.maybe_instant("created_at")?;
        let last = created_at.and_then(|created_at| Some((columns.run_id().ok()?, created_at)));
        Ok(ExpensiveRuns { runs, last, candidates })
    }
}
