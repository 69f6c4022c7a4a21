//! The calls of models in a commit. Each kind is written by its own statement, and only where there is any.

use super::columns::record;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use crate::stores::footprint::Footprint;
use crate::stores::rows::{RowList, StoredCall, WriteColumns, call_row_columns};
use crate::stores::working_set::WorkingSet;

const LOAD: &str = concat!(
    "SELECT ",
    call_row_columns!(flat_row),
    " FROM jsonb_each(?1) AS n CROSS JOIN {prefix}ai_calls AS c ON c.id = n.value ->> 0"
);

pub(super) const RESERVE: &str = "
    INSERT INTO {prefix}ai_calls
        (id, workflow_run_id, stage_id, place, topic, call_type, model_key, model_id, metadata, prompt, generation, attempt,
         lease_epoch, reserved, created_at, outcome, input_tokens, cached_input_tokens, output_tokens, cost)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, 'RESERVED', 0, 0, 0, 0
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (id) DO NOTHING";

pub(super) const SETTLE: &str = "
    UPDATE {prefix}ai_calls
    SET outcome = n.value ->> 1, error_message = n.value ->> 2, metadata = coalesce(n.value ->> 3, metadata),
        response = n.value ->> 4, input_tokens = n.value ->> 5, cached_input_tokens = n.value ->> 6,
        output_tokens = n.value ->> 7, cost = n.value ->> 8, ended_at = n.value ->> 9,
        reserved = CASE n.value ->> 1 WHEN 'UNKNOWN' THEN reserved ELSE 0 END
    FROM jsonb_each(?1) AS n
    WHERE {prefix}ai_calls.id = n.value ->> 0 AND (outcome = 'RESERVED' OR outcome = 'UNKNOWN' AND n.value ->> 1 <> 'UNKNOWN')
        AND (workflow_run_id IS NOT NULL) = n.value ->> 10";

/// Makes the reserved calls of these stages unknown.
pub(super) const VOID: &str = "
    UPDATE {prefix}ai_calls SET outcome = 'UNKNOWN', error_message = n.value ->> 3, ended_at = n.value ->> 4
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND stage_id = n.value ->> 1 AND place = n.value ->> 2 AND outcome = 'RESERVED'";

pub(super) const UPDATE_RUNS: &str = "
    UPDATE {prefix}runs
    SET total_cost = n.value ->> 1, total_tokens = n.value ->> 2, reserved_cost = n.value ->> 3,
        pending_calls = n.value ->> 4, budget = n.value ->> 5
    FROM jsonb_each(?1) AS n
    WHERE {prefix}runs.id = n.value ->> 0";

pub(super) const UPDATE_STAGES: &str = "
    UPDATE {prefix}stage_rows
    SET total_cost = n.value ->> 3, total_tokens = n.value ->> 4, reserved_cost = n.value ->> 5,
        pending_calls = n.value ->> 6, budget = n.value ->> 7, awaited_cost = n.value ->> 8
    FROM jsonb_each(?1) AS n
    WHERE {prefix}stage_rows.workflow_run_id = n.value ->> 0 AND {prefix}stage_rows.stage_id = n.value ->> 1
        AND {prefix}stage_rows.place = n.value ->> 2";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOAD, RESERVE, SETTLE, VOID, UPDATE_RUNS, UPDATE_STAGES];

/// Loads the named calls, if there are any.
pub(super) fn load(session: &Session, footprint: &Footprint, set: &mut WorkingSet) -> Result<(), Failure> {
    if footprint.calls.is_empty() {
        return Ok(());
    }
    let mut named = JsonRows::default();
    for id in &footprint.calls {
        named.push(|row| _ = row.uuid(id.as_uuid()));
    }
    session.prepare("load calls", LOAD).read(
        |arguments| _ = arguments.text(&named.finish()),
        |row| {
            let StoredCall(id, call) = record(row)?;
            set.calls.insert(id, call);
            Ok(())
        },
    )
}
