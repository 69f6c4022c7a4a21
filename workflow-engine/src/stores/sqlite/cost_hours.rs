//! The sums of calls by hour, workflow, stage and model.

use chrono::{DateTime, Utc};

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::columns::Columns;
use super::failure::Failure;
use super::json_rows::JsonRows;
use crate::error::Error;
use crate::ports::CostQuery;
use crate::records::{CostGroup, CostKey, UnfinishedCosts};
use crate::stores::cost_hours::{MAX_UNFINISHED, read_group, read_unfinished};
use crate::stores::rows::{ReadColumns, RowList, WriteColumns};

const FINAL: &str = "
    SELECT c.id FROM {prefix}ai_calls AS c
    WHERE NOT c.is_rolled_up AND c.outcome IN ('SETTLED', 'FAILED') ORDER BY c.created_at LIMIT ?1";

/// Adds calls `c` to the sums. A sum stays at the largest number that a column can hold.
macro_rules! add {
    ($calls:literal) => {
        concat!(
            "INSERT INTO {prefix}cost_hours AS h (hour, workflow_id, stage_id, model_key, calls, failed_calls, input_tokens,
                cached_input_tokens, output_tokens, cost, unknown_calls, unknown_cost)
            SELECT c.created_at - c.created_at % 3600000000, coalesce(r.workflow_id, ''), coalesce(c.stage_id, ''),
                c.model_key, 1, c.outcome = 'FAILED', c.input_tokens, c.cached_input_tokens, c.output_tokens, c.cost,
                c.outcome IN ('RESERVED', 'UNKNOWN'), c.reserved
            FROM jsonb_each(?1) AS n ",
            $calls,
            " LEFT JOIN {prefix}runs AS r ON r.id = c.workflow_run_id WHERE NOT c.is_rolled_up
            ON CONFLICT DO UPDATE SET calls = calls + 1, failed_calls = failed_calls + excluded.failed_calls,
                input_tokens = min(input_tokens, 9223372036854775807 - excluded.input_tokens) + excluded.input_tokens,
                cached_input_tokens = min(cached_input_tokens, 9223372036854775807 - excluded.cached_input_tokens)
                    + excluded.cached_input_tokens,
                output_tokens = min(output_tokens, 9223372036854775807 - excluded.output_tokens) + excluded.output_tokens,
                cost = min(cost, 9223372036854775807 - excluded.cost) + excluded.cost,
                unknown_calls = unknown_calls + excluded.unknown_calls,
                unknown_cost = min(unknown_cost, 9223372036854775807 - excluded.unknown_cost) + excluded.unknown_cost"
        )
    };
}

const ADD: &str = add!("CROSS JOIN {prefix}ai_calls AS c ON c.id = n.value ->> 0");

/// Adds the calls of runs that are about to be deleted.
pub(super) const ADD_OF_RUNS: &str =
    add!("CROSS JOIN {prefix}ai_calls AS c ON c.workflow_run_id = n.value ->> 0");

const COUNT: &str = "
    SELECT count(*) FROM (SELECT 1 FROM {prefix}ai_calls AS c
        WHERE NOT c.is_rolled_up AND c.outcome IN ('SETTLED', 'FAILED') LIMIT ?1)";

const MARK: &str =
    "UPDATE {prefix}ai_calls SET is_rolled_up = 1 WHERE id IN (SELECT value ->> 0 FROM jsonb_each(?1))";

/// The sums, and each call that is not in them. ?3 is the length of the groups in time, in microseconds.
const COSTS: &str = "
    WITH e AS (
        SELECT h.hour AS at, h.workflow_id, h.stage_id, h.model_key, h.calls, h.failed_calls, h.input_tokens,
            h.cached_input_tokens, h.output_tokens, h.cost, 0 AS pending_calls, 0 AS reserved, h.unknown_calls,
            h.unknown_cost
        FROM {prefix}cost_hours AS h WHERE h.hour >= ?1 AND h.hour < ?2
        UNION ALL
        SELECT c.created_at, coalesce(r.workflow_id, ''), coalesce(c.stage_id, ''), c.model_key, 1,
            c.outcome = 'FAILED', c.input_tokens, c.cached_input_tokens, c.output_tokens, c.cost,
            c.outcome = 'RESERVED', iif(c.outcome = 'RESERVED', c.reserved, 0),
            c.outcome = 'UNKNOWN', iif(c.outcome = 'UNKNOWN', c.reserved, 0)
        FROM {prefix}ai_calls AS c LEFT JOIN {prefix}runs AS r ON r.id = c.workflow_run_id
        WHERE NOT c.is_rolled_up AND c.created_at >= ?1 AND c.created_at < ?2)
    SELECT e.at - e.at % ?3 AS at, iif(?4, e.workflow_id, '') AS workflow_id, iif(?5, e.stage_id, '') AS stage_id,
        iif(?6, e.model_key, '') AS model_key, sum(e.calls), sum(e.failed_calls), sum(e.input_tokens),
        sum(e.cached_input_tokens), sum(e.output_tokens), sum(e.cost >> 32), sum(e.cost & 4294967295),
        sum(e.pending_calls), sum(e.reserved >> 32), sum(e.reserved & 4294967295), sum(e.unknown_calls),
        sum(e.unknown_cost >> 32), sum(e.unknown_cost & 4294967295)
    FROM e GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT ?7";

const UNFINISHED: &str = "
    SELECT count(*), coalesce(sum(e.total_cost >> 32), 0), coalesce(sum(e.total_cost & 4294967295), 0),
        coalesce(sum(e.reserved_cost >> 32), 0), coalesce(sum(e.reserved_cost & 4294967295), 0)
    FROM (SELECT n.total_cost, n.reserved_cost FROM {prefix}runs AS n INDEXED BY {prefix}runs_unfinished
        WHERE n.completed_at IS NULL LIMIT ?1) AS e";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FINAL, COUNT, ADD, ADD_OF_RUNS, MARK, COSTS, UNFINISHED];

const HOUR: i64 = 3_600_000_000;

/// Adds calls to the sums, and marks them.
pub(super) fn roll_up(batch: &mut Batch, limit: &usize) -> Result<usize, Failure> {
    const DOING: &str = "sum up calls of models";

    let limit = count(*limit);
    let rows = batch.session.fetch(DOING, FINAL, |arguments| _ = arguments.int(limit))?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut named = JsonRows::default();
    for row in &rows {
        let id = Columns::new(row, "workflow_ai_calls", 0).text("id")?;
        named.push(|row| _ = row.text(&id));
    }
    let named = named.finish();
    for sql in [ADD, MARK] {
        batch.session.execute(DOING, sql, |arguments| _ = arguments.text(&named))?;
    }
    Ok(rows.len())
}

impl SqliteStore {
    pub(super) async fn read_costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error> {
        let has = |key| query.by.contains(&key);
        let is_timed = has(CostKey::Hour) || has(CostKey::Day);
        let length = match (has(CostKey::Hour), has(CostKey::Day)) {
            (true, _) => HOUR,
            (false, true) => 24 * HOUR,
            // All instants are in one group.
            (false, false) => i64::MAX,
        };
        let micros = |at: Option<DateTime<Utc>>, or| at.map_or(or, |at| at.timestamp_micros());
        let sql = self
            .query(COSTS)
            .bind(micros(query.from, 0))
            .bind(micros(query.until, i64::MAX))
            .bind(length)
            .bind(has(CostKey::Workflow))
            .bind(has(CostKey::Stage))
            .bind(has(CostKey::Model))
            .bind(count(query.limit));
        let rows = self.inspect("sum up the costs of calls", sql).await?;
        let read = |row| {
            let mut group = read_group(&mut Columns::new(row, "workflow_cost_hours", 0))?;
            group.at = group.at.filter(|_| is_timed);
            Ok(group)
        };
        Ok(rows.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn count_calls_to_roll_up(&self, limit: usize) -> Result<usize, Error> {
        self.count("count calls of models", self.query(COUNT).bind(count(limit))).await
    }

    pub(super) async fn read_unfinished_costs(&self) -> Result<UnfinishedCosts, Error> {
        let query = self.query(UNFINISHED).bind(count(MAX_UNFINISHED + 1));
        let rows = self.inspect("sum up the costs of unfinished runs", query).await?;
        let Some(row) = rows.first() else { return Ok(UnfinishedCosts::default()) };
        Ok(read_unfinished(&mut Columns::new(row, "workflow_runs", 0))?)
    }
}
