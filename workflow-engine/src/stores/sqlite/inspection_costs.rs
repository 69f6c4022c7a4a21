//! Finds expensive runs.

use super::SqliteStore;
use super::arguments::count;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{ExpensiveRuns, ExpensiveRunsQuery};
use crate::stores::rows::ReadColumns;
use crate::value::Cost;

/// The runs that have cost so much, then one row about all that were read.
const EXPENSIVE: &str = "
    WITH c AS MATERIALIZED (SELECT r.id, r.created_at, r.total_cost FROM {prefix}runs AS r
        WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2)
    SELECT c.id, c.created_at, c.total_cost FROM c WHERE c.total_cost >= ?3
    UNION ALL SELECT min(c.id), c.created_at, count(*) FROM c";

/// The statement of this file, for the test of its query plan.
#[cfg(test)]
pub(super) const STATEMENT: &str = EXPENSIVE;

impl SqliteStore {
    pub(super) async fn read_expensive_runs(
        &self,
        query: &ExpensiveRunsQuery,
    ) -> Result<ExpensiveRuns, Error> {
        // `g` is greater than every id.
        let after = query.after.map_or_else(|| "g".to_owned(), |run_id| run_id.to_string());
        let least = query.at_least.picodollars();
        let sql = self.query(EXPENSIVE).bind(after).bind(count(query.candidates)).bind(least);
        let rows = self.inspect("find expensive runs", sql).await?;
        let Some((end, runs)) = rows.split_last() else { return Ok(ExpensiveRuns::default()) };
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_runs", 0);
            let (id, created_at) = (columns.run_id()?, columns.instant("created_at")?);
            Ok((id, created_at, Cost::from_picodollars(columns.int("total_cost")?)))
        };
        let runs = runs.iter().map(read).collect::<Result<_, Failure>>()?;
        let mut columns = Columns::new(end, "workflow_runs", 0);
        let id = columns.maybe_text("id")?.map(|id| id.parse()).transpose()?;
        let created_at = columns.maybe_instant("created_at")?;
        Ok(ExpensiveRuns { runs, last: id.zip(created_at), candidates: columns.int("count")? })
    }
}
