//! The calls of models in a commit. Each kind is written by its own statement, and only where there is any.

use super::columns::record;
use super::failure::Failure;
use super::json_rows::{JsonRows, Row};
use super::session::Session;
use crate::records::CostSummary;
use crate::stores::calls::{LOST_CALL, ReservedRow, SettledRow};
use crate::stores::footprint::Footprint;
use crate::stores::rows::{StoredCall, WriteColumns, call_row_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{Cost, Json};

const DOING: &str = "write a commit";

const LOAD: &str = concat!(
    "SELECT ",
    call_row_columns!(flat_row),
    " FROM jsonb_each(?1) AS n CROSS JOIN {prefix}ai_calls AS c ON c.id = n.value ->> 0"
);

const RESERVE: &str = "
    INSERT INTO {prefix}ai_calls
        (id, workflow_run_id, stage_id, generation, attempt, lease_epoch, topic, call_type, model_key, model_id,
         outcome, input_tokens, cached_input_tokens, output_tokens, cost, reserved, created_at, metadata, prompt)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, 'RESERVED', 0, 0, 0, 0, value ->> 10, value ->> 11, value ->> 12, value ->> 13
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (id) DO NOTHING";

const SETTLE: &str = "
    UPDATE {prefix}ai_calls
    SET outcome = n.value ->> 2, input_tokens = n.value ->> 3, cached_input_tokens = n.value ->> 4,
        output_tokens = n.value ->> 5, cost = n.value ->> 6,
        reserved = CASE n.value ->> 2 WHEN 'UNKNOWN' THEN reserved ELSE 0 END,
        ended_at = n.value ->> 7, error_message = n.value ->> 8,
        metadata = coalesce(n.value ->> 9, metadata), response = n.value ->> 10
    FROM jsonb_each(?1) AS n
    WHERE {prefix}ai_calls.id = n.value ->> 0 AND (outcome = 'RESERVED' OR outcome = 'UNKNOWN' AND n.value ->> 2 <> 'UNKNOWN')
        AND (workflow_run_id IS NOT NULL) = n.value ->> 1";

/// Makes the reserved calls of these stages unknown.
const VOID: &str = "
    UPDATE {prefix}ai_calls SET outcome = 'UNKNOWN', ended_at = n.value ->> 2, error_message = n.value ->> 3
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND stage_id = n.value ->> 1 AND outcome = 'RESERVED'";

const UPDATE_RUNS: &str = "
    UPDATE {prefix}runs
    SET total_cost = n.value ->> 1, total_tokens = n.value ->> 2, reserved_cost = n.value ->> 3,
        pending_calls = n.value ->> 4, budget = n.value ->> 5
    FROM jsonb_each(?1) AS n
    WHERE {prefix}runs.id = n.value ->> 0";

const UPDATE_STAGES: &str = "
    UPDATE {prefix}stages
    SET total_cost = n.value ->> 1, total_tokens = n.value ->> 2, reserved_cost = n.value ->> 3,
        pending_calls = n.value ->> 4, budget = n.value ->> 5, awaited_cost = n.value ->> 7
    FROM jsonb_each(?1) AS n
    WHERE {prefix}stages.workflow_run_id = n.value ->> 0 AND {prefix}stages.stage_id = n.value ->> 6";

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
        named.push(|row| {
            row.plain(id);
        });
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

/// Writes the calls and amounts of a transaction.
pub(super) fn write(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let side_rows = &set.side_rows;
    reserve(session, &side_rows.reserved_calls)?;
    settle(session, &side_rows.settled_calls, true)?;
    let mut voided = JsonRows::default();
    for calls in &side_rows.voided_calls {
        voided.push(|row| {
            row.plain(calls.run_id).text(&calls.stage_id).instant(calls.at).text(LOST_CALL);
        });
    }
    session.write(DOING, VOID, voided)?;

    let (mut runs, mut stages) = (JsonRows::default(), JsonRows::default());
    for (run_id, stage_id) in &side_rows.changed_spending {
        match stage_id {
            None => {
                let Some(run) = set.run(*run_id) else { continue };
                runs.push(|row| {
                    row.plain(run_id);
                    spending(&run.spending, row);
                });
            }
            Some(stage_id) => {
                let stage = set.stage(*run_id, stage_id).and_then(|rows| rows.stage.get());
                let Some(stage) = stage else { continue };
                stages.push(|row| {
                    row.plain(run_id);
                    spending(&stage.spending, row);
                    row.text(stage_id).maybe_int(stage.awaited_cost.map(Cost::picodollars));
                });
            }
        }
    }
    session.write(DOING, UPDATE_RUNS, runs)?;
    session.write(DOING, UPDATE_STAGES, stages)
}

/// Inserts reserved calls. Existing ones do not change.
pub(super) fn reserve(session: &Session, reserved: &[ReservedRow]) -> Result<(), Failure> {
    let mut rows = JsonRows::default();
    for ReservedRow { record, lease_epoch } in reserved {
        rows.push(|row| {
            row.plain(record.id).maybe_text(record.run_id.map(|run_id| run_id.to_string()).as_deref());
            row.maybe_text(record.stage_id.as_deref()).int(record.generation).int(record.attempt);
            row.int(*lease_epoch).text(&record.topic).plain(record.call_type.as_str());
            row.text(&record.model_key).text(&record.model_id).int(record.reserved.picodollars());
            row.instant(record.created_at).maybe_text(record.metadata.as_ref().map(Json::as_str));
            row.maybe_text(record.prompt.as_deref());
        });
    }
    session.write(DOING, RESERVE, rows)
}

/// Writes the outcomes of calls, either of runs or outside of all runs.
pub(super) fn settle(session: &Session, outcomes: &[SettledRow], of_runs: bool) -> Result<(), Failure> {
    let mut rows = JsonRows::default();
    for outcome in outcomes {
        let settled = &outcome.settled;
        rows.push(|row| {
            row.plain(outcome.id).int(u8::from(of_runs)).plain(outcome.outcome.as_str());
            row.int(tokens(settled.input_tokens)).int(tokens(settled.cached_input_tokens));
            row.int(tokens(settled.output_tokens)).int(settled.cost.picodollars()).instant(outcome.at);
            row.maybe_text(outcome.error.as_deref()).maybe_text(outcome.metadata());
            row.maybe_text(settled.response.as_deref());
        });
    }
    session.write(DOING, SETTLE, rows)
}

fn spending(spending: &CostSummary, row: &mut Row<'_>) {
    row.int(spending.cost.picodollars()).int(tokens(spending.tokens)).int(spending.reserved.picodollars());
    row.int(spending.pending_calls).maybe_int(spending.budget.map(Cost::picodollars));
}

/// Returns a count as SQLite stores it.
fn tokens(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
