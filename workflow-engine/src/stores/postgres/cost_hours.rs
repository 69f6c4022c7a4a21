//! The sums of calls by hour, workflow, stage and model.

use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::CostQuery;
use crate::records::{CostGroup, CostKey, UnfinishedCosts};
use crate::stores::cost_hours::{MAX_UNFINISHED, read_group, read_unfinished};
use crate::stores::rows::ReadColumns;

/// Adds those of the calls `$calls` that are not in the sums. A sum stays at the largest number that a column can hold.
/// The rows are written in the order of their keys, so that two processes cannot wait for each other.
macro_rules! add {
    ($calls:literal) => {
        concat!(
            "INSERT INTO {schema}.workflow_cost_hours AS h (hour, workflow_id, stage_id, model_key, calls, failed_calls,
                input_tokens, cached_input_tokens, output_tokens, cost, unknown_calls, unknown_cost)
            SELECT date_trunc('hour', c.created_at, 'UTC'), coalesce(r.workflow_id, ''), coalesce(c.stage_id, ''),
                c.model_key, count(*), count(*) FILTER (WHERE c.outcome = 'FAILED'),
                least(sum(c.input_tokens), 9223372036854775807)::bigint,
                least(sum(c.cached_input_tokens), 9223372036854775807)::bigint,
                least(sum(c.output_tokens), 9223372036854775807)::bigint,
                least(sum(c.cost), 9223372036854775807)::bigint,
                count(*) FILTER (WHERE c.outcome IN ('RESERVED', 'UNKNOWN')),
                least(sum(c.reserved), 9223372036854775807)::bigint
            FROM ",
            $calls,
            " LEFT JOIN {schema}.workflow_runs AS r ON r.id = c.workflow_run_id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            ON CONFLICT (hour, workflow_id, stage_id, model_key) DO UPDATE SET calls = h.calls + excluded.calls,
                failed_calls = h.failed_calls + excluded.failed_calls,
                input_tokens = least(h.input_tokens, 9223372036854775807 - excluded.input_tokens) + excluded.input_tokens,
                cached_input_tokens = least(h.cached_input_tokens, 9223372036854775807 - excluded.cached_input_tokens)
                    + excluded.cached_input_tokens,
                output_tokens = least(h.output_tokens, 9223372036854775807 - excluded.output_tokens)
                    + excluded.output_tokens,
                cost = least(h.cost, 9223372036854775807 - excluded.cost) + excluded.cost,
                unknown_calls = h.unknown_calls + excluded.unknown_calls,
                unknown_cost = least(h.unknown_cost, 9223372036854775807 - excluded.unknown_cost) + excluded.unknown_cost"
        )
    };
}

pub(super) use add;

/// Takes calls that no other process is taking, marks them, and adds them to the sums.
const ROLL_UP: &str = concat!(
    "WITH f AS MATERIALIZED (SELECT c.id FROM {schema}.workflow_ai_calls AS c
        WHERE NOT c.is_rolled_up AND c.outcome IN ('SETTLED', 'FAILED')
        ORDER BY c.created_at LIMIT $1 FOR UPDATE OF c SKIP LOCKED),
    m AS (UPDATE {schema}.workflow_ai_calls AS c SET is_rolled_up = true FROM f WHERE c.id = f.id RETURNING c.*),
    hours AS (",
    add!("m AS c"),
    ")
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[count(*)], ARRAY[]::timestamptz[] FROM m"
);

const COUNT: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[count(*)], ARRAY[]::timestamptz[]
    FROM (SELECT 1 FROM {schema}.workflow_ai_calls AS c
        WHERE NOT c.is_rolled_up AND c.outcome IN ('SETTLED', 'FAILED') LIMIT $1) AS c";

/// The sums, and each call that is not in them. $3 is the unit of the groups in time.
const COSTS: &str = "
    WITH e AS (
        SELECT h.hour AS at, h.workflow_id, h.stage_id, h.model_key, h.calls, h.failed_calls, h.input_tokens,
            h.cached_input_tokens, h.output_tokens, h.cost, 0 AS pending_calls, 0::bigint AS reserved, h.unknown_calls,
            h.unknown_cost
        FROM {schema}.workflow_cost_hours AS h
        WHERE h.hour >= coalesce($1, '-infinity') AND h.hour < coalesce($2, 'infinity')
        UNION ALL
        SELECT c.created_at, coalesce(r.workflow_id, ''), coalesce(c.stage_id, ''), c.model_key, 1,
            (c.outcome = 'FAILED')::int, c.input_tokens, c.cached_input_tokens, c.output_tokens, c.cost,
            (c.outcome = 'RESERVED')::int, CASE c.outcome WHEN 'RESERVED' THEN c.reserved ELSE 0 END,
            (c.outcome = 'UNKNOWN')::int, CASE c.outcome WHEN 'UNKNOWN' THEN c.reserved ELSE 0 END
        FROM {schema}.workflow_ai_calls AS c LEFT JOIN {schema}.workflow_runs AS r ON r.id = c.workflow_run_id
        WHERE NOT c.is_rolled_up AND c.created_at >= coalesce($1, '-infinity')
            AND c.created_at < coalesce($2, 'infinity')),
    g AS (
        SELECT CASE WHEN $3 <> '' THEN date_trunc($3, e.at, 'UTC') END AS at,
            CASE WHEN $4 THEN e.workflow_id ELSE '' END AS workflow_id,
            CASE WHEN $5 THEN e.stage_id ELSE '' END AS stage_id,
            CASE WHEN $6 THEN e.model_key ELSE '' END AS model_key, e.calls, e.failed_calls, e.input_tokens,
            e.cached_input_tokens, e.output_tokens, e.cost, e.pending_calls, e.reserved, e.unknown_calls, e.unknown_cost
        FROM e)
    SELECT NULL::uuid, ARRAY[g.workflow_id, g.stage_id, g.model_key], ARRAY[sum(g.calls)::bigint,
        sum(g.failed_calls)::bigint, least(sum(g.input_tokens), 9223372036854775807)::bigint,
        least(sum(g.cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(g.output_tokens), 9223372036854775807)::bigint, sum(g.cost >> 32)::bigint,
        sum(g.cost & 4294967295)::bigint, sum(g.pending_calls)::bigint, sum(g.reserved >> 32)::bigint,
        sum(g.reserved & 4294967295)::bigint, sum(g.unknown_calls)::bigint, sum(g.unknown_cost >> 32)::bigint,
        sum(g.unknown_cost & 4294967295)::bigint], ARRAY[g.at]
    FROM g GROUP BY g.at, g.workflow_id, g.stage_id, g.model_key
    ORDER BY g.at, g.workflow_id, g.stage_id, g.model_key LIMIT $7";

const UNFINISHED: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[count(*), coalesce(sum(r.total_cost >> 32), 0)::bigint,
        coalesce(sum(r.total_cost & 4294967295), 0)::bigint, coalesce(sum(r.reserved_cost >> 32), 0)::bigint,
        coalesce(sum(r.reserved_cost & 4294967295), 0)::bigint], ARRAY[]::timestamptz[]
    FROM (SELECT n.total_cost, n.reserved_cost FROM {schema}.workflow_runs AS n
        WHERE n.completed_at IS NULL LIMIT $1) AS r";

impl PostgresStore {
    pub(super) async fn roll_up(&self, limit: usize) -> Result<usize, Error> {
        let rows =
            self.read("sum up calls of models", move |database| database.query(ROLL_UP).bind(number(limit)));
        first_count(&rows.await?)
    }

    pub(super) async fn read_costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error> {
        let query = query.clone();
        let rows = self.inspect("sum up the costs of calls", move |database| {
            let has = |key| query.by.contains(&key);
            let unit = match (has(CostKey::Hour), has(CostKey::Day)) {
                (true, _) => "hour",
                (false, true) => "day",
                (false, false) => "",
            };
            database
                .query(COSTS)
                .bind(query.from)
                .bind(query.until)
                .bind(unit)
                .bind(has(CostKey::Workflow))
                .bind(has(CostKey::Stage))
                .bind(has(CostKey::Model))
                .bind(number(query.limit))
        });
        let read = |row| read_group(&mut Columns::new(row, "workflow_cost_hours")?);
        Ok(rows.await?.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn count_calls_to_roll_up(&self, limit: usize) -> Result<usize, Error> {
        let rows =
            self.inspect("count calls of models", move |database| database.query(COUNT).bind(number(limit)));
        first_count(&rows.await?)
    }

    pub(super) async fn read_unfinished_costs(&self) -> Result<UnfinishedCosts, Error> {
        let rows = self.inspect("sum up the costs of unfinished runs", |database| {
            database.query(UNFINISHED).bind(number(MAX_UNFINISHED + 1))
        });
        let rows = rows.await?;
        let Some(row) = rows.first() else { return Ok(UnfinishedCosts::default()) };
        Ok(Columns::new(row, "workflow_runs").and_then(|mut columns| read_unfinished(&mut columns))?)
    }
}

fn first_count(rows: &[PgRow]) -> Result<usize, Error> {
    let Some(row) = rows.first() else { return Ok(0) };
    Ok(Columns::new(row, "workflow_ai_calls").and_then(|mut columns| columns.int("count"))?)
}
