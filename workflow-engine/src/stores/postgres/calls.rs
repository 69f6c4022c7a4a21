//! The calls of models that a commit reserves, settles or voids. Few commits have any, so each kind has a separate
//! statement, which is sent only where there are rows.

use uuid::Uuid;

use super::columns::record;
use super::failure::Failure;
use super::transaction::Transaction;
use crate::stores::footprint::Footprint;
use crate::stores::rows::{StoredCall, call_row_columns};
use crate::stores::working_set::WorkingSet;

const LOAD: &str = concat!(
    "SELECT ",
    call_row_columns!(array_row),
    " FROM unnest($1) AS n (id) JOIN {schema}.workflow_ai_calls AS c ON c.id = n.id"
);

/// A call without an instant gets the database's.
pub(super) const RESERVE: &str = "
    INSERT INTO {schema}.workflow_ai_calls
        (id, workflow_run_id, stage_id, place, topic, call_type, model_key, model_id, metadata, prompt, generation, attempt,
        lease_epoch, reserved, created_at, outcome, input_tokens, cached_input_tokens, output_tokens, cost)
    SELECT id, workflow_run_id::uuid, stage_id, place, topic, call_type, model_key, model_id, metadata, prompt, generation,
        attempt, lease_epoch, reserved, coalesce(created_at, statement_timestamp()), 'RESERVED', 0, 0, 0, 0
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS n (id, workflow_run_id, stage_id,
        place, topic, call_type, model_key, model_id, metadata, prompt, generation, attempt, lease_epoch, reserved,
        created_at)
    ON CONFLICT (id) DO NOTHING";

/// Settles either calls of runs or calls outside of any run. A call without an instant gets the database's.
pub(super) const SETTLE: &str = "
    UPDATE {schema}.workflow_ai_calls AS c
    SET outcome = n.outcome, input_tokens = n.input_tokens, cached_input_tokens = n.cached_input_tokens,
        output_tokens = n.output_tokens, cost = n.cost,
        reserved = CASE n.outcome WHEN 'UNKNOWN' THEN c.reserved ELSE 0 END,
        ended_at = coalesce(n.ended_at, statement_timestamp()), error_message = n.error_message,
        metadata = coalesce(n.metadata, c.metadata), response = n.response
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS n (id, outcome, error_message, metadata, response,
        input_tokens, cached_input_tokens, output_tokens, cost, ended_at, is_of_run)
    WHERE c.id = n.id AND (c.outcome = 'RESERVED' OR c.outcome = 'UNKNOWN' AND n.outcome <> 'UNKNOWN')
        AND (c.workflow_run_id IS NOT NULL) = n.is_of_run";

/// Marks the pending calls of these stages as unknown: their leases are void, so no attempt settles them.
pub(super) const VOID: &str = "
    UPDATE {schema}.workflow_ai_calls AS c SET outcome = 'UNKNOWN', ended_at = n.at, error_message = n.error_message
    FROM unnest($1, $2, $3, $4, $5) AS n (run_id, stage_id, place, error_message, at)
    WHERE c.workflow_run_id = n.run_id AND c.stage_id = n.stage_id AND c.place = n.place AND c.outcome = 'RESERVED'";

pub(super) const UPDATE_RUNS: &str = "
    UPDATE {schema}.workflow_runs AS r
    SET total_cost = n.total_cost, total_tokens = n.total_tokens, reserved_cost = n.reserved_cost,
        pending_calls = n.pending_calls, budget = n.budget
    FROM unnest($1, $2, $3, $4, $5, $6) AS n (id, total_cost, total_tokens, reserved_cost, pending_calls, budget)
    WHERE r.id = n.id";

pub(super) const UPDATE_STAGES: &str = "
    UPDATE {schema}.workflow_stage_rows AS s
    SET total_cost = n.total_cost, total_tokens = n.total_tokens, reserved_cost = n.reserved_cost,
        pending_calls = n.pending_calls, budget = n.budget, awaited_cost = n.awaited_cost
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS n (run_id, stage_id, place, total_cost, total_tokens, reserved_cost,
        pending_calls, budget, awaited_cost)
    WHERE s.workflow_run_id = n.run_id AND s.stage_id = n.stage_id AND s.place = n.place";

/// Loads the named calls, if any; the transaction has locked their runs.
pub(super) async fn load(
    transaction: &mut Transaction,
    footprint: &Footprint,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    if footprint.calls.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = footprint.calls.iter().map(|id| id.as_uuid()).collect();
    let query = transaction.query(LOAD).bind(ids);
    for row in &transaction.fetch("load calls", query).await? {
        let StoredCall(id, call) = record(row)?;
        set.calls.insert(id, call);
    }
    Ok(())
}
