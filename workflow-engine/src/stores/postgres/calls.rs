//! The calls of models that a commit reserves, settles or voids. Few commits have any, so each kind has a separate
//! statement, which is sent only where there are rows.

use uuid::Uuid;

use super::arrays::{PgQuery, Rows, number};
use super::columns::record;
use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use crate::records::CostSummary;
use crate::stores::calls::{LOST_CALL, ReservedRow, SettledRow};
use crate::stores::footprint::Footprint;
use crate::stores::rows::{StoredCall, call_row_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{Cost, Json};

const ACTION: &str = "write a commit";

const LOAD: &str = concat!(
    "SELECT ",
    call_row_columns!(array_row),
    " FROM unnest($1) AS n (id) JOIN {schema}.workflow_ai_calls AS c ON c.id = n.id"
);

/// A call without an instant gets the database's.
pub(super) const RESERVE: &str = "
    INSERT INTO {schema}.workflow_ai_calls
        (id, workflow_run_id, stage_id, topic, call_type, model_key, model_id, metadata, prompt, generation, attempt,
        lease_epoch, reserved, created_at, outcome, input_tokens, cached_input_tokens, output_tokens, cost)
    SELECT id, workflow_run_id::uuid, stage_id, topic, call_type, model_key, model_id, metadata, prompt, generation,
        attempt, lease_epoch, reserved, coalesce(created_at, statement_timestamp()), 'RESERVED', 0, 0, 0, 0
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS n (id, workflow_run_id, stage_id,
        topic, call_type, model_key, model_id, metadata, prompt, generation, attempt, lease_epoch, reserved,
        created_at)
    ON CONFLICT (id) DO NOTHING";

/// Settles either calls of runs or calls outside of any run, by $11. A call without an instant gets the database's.
pub(super) const SETTLE: &str = "
    UPDATE {schema}.workflow_ai_calls AS c
    SET outcome = n.outcome, input_tokens = n.input_tokens, cached_input_tokens = n.cached_input_tokens,
        output_tokens = n.output_tokens, cost = n.cost,
        reserved = CASE n.outcome WHEN 'UNKNOWN' THEN c.reserved ELSE 0 END,
        ended_at = coalesce(n.ended_at, statement_timestamp()), error_message = n.error_message,
        metadata = coalesce(n.metadata, c.metadata), response = n.response
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS n (id, outcome, error_message, metadata, response,
        input_tokens, cached_input_tokens, output_tokens, cost, ended_at)
    WHERE c.id = n.id AND (c.outcome = 'RESERVED' OR c.outcome = 'UNKNOWN' AND n.outcome <> 'UNKNOWN')
        AND (c.workflow_run_id IS NOT NULL) = $11";

/// Marks the pending calls of these stages as unknown: their leases are void, so no attempt settles them.
const VOID: &str = "
    UPDATE {schema}.workflow_ai_calls AS c SET outcome = 'UNKNOWN', ended_at = n.at, error_message = n.error_message
    FROM unnest($1, $2, $3, $4) AS n (run_id, stage_id, error_message, at)
    WHERE c.workflow_run_id = n.run_id AND c.stage_id = n.stage_id AND c.outcome = 'RESERVED'";

const UPDATE_RUNS: &str = "
    UPDATE {schema}.workflow_runs AS r
    SET total_cost = n.total_cost, total_tokens = n.total_tokens, reserved_cost = n.reserved_cost,
        pending_calls = n.pending_calls, budget = n.budget
    FROM unnest($1, $2, $3, $4, $5, $6) AS n (id, total_cost, total_tokens, reserved_cost, pending_calls, budget)
    WHERE r.id = n.id";

const UPDATE_STAGES: &str = "
    UPDATE {schema}.workflow_stages AS s
    SET total_cost = n.total_cost, total_tokens = n.total_tokens, reserved_cost = n.reserved_cost,
        pending_calls = n.pending_calls, budget = n.budget, awaited_cost = n.awaited_cost
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (run_id, stage_id, total_cost, total_tokens, reserved_cost,
        pending_calls, budget, awaited_cost)
    WHERE s.workflow_run_id = n.run_id AND s.stage_id = n.stage_id";

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

/// Writes the calls of a commit, and the costs of runs and stages.
pub(super) async fn write(transaction: &mut Transaction, set: &WorkingSet) -> Result<(), Failure> {
    let side_rows = &set.side_rows;
    if !side_rows.reserved_calls.is_empty() {
        let query = transaction.query(RESERVE);
        transaction.execute(ACTION, bind_reservations(query, &side_rows.reserved_calls, true)).await?;
    }
    if !side_rows.settled_calls.is_empty() {
        let query = transaction.query(SETTLE);
        transaction.execute(ACTION, bind_settlements(query, &side_rows.settled_calls, true, true)).await?;
    }
    if !side_rows.voided_calls.is_empty() {
        let mut rows = Rows::<2, 0, 1>::new();
        for voided in &side_rows.voided_calls {
            rows.push(voided.run_id, [Some(&voided.stage_id), Some(LOST_CALL)], [], [Some(voided.at)]);
        }
        let query = rows.bind(transaction.query(VOID));
        transaction.execute(ACTION, query).await?;
    }
    write_spending(transaction, set).await
}

async fn write_spending(transaction: &mut Transaction, set: &WorkingSet) -> Result<(), Failure> {
    let (mut runs, mut stages) = (Rows::<0, 5, 0>::new(), Rows::<1, 6, 0>::new());
    for (run_id, stage_id) in &set.side_rows.changed_spending {
        let Some(stage_id) = stage_id else {
            let Some(run) = set.run(*run_id) else { continue };
            runs.push(*run_id, [], spending(&run.spending), []);
            continue;
        };
        let Some(stage) = set.stage(*run_id, stage_id).and_then(|rows| rows.stage.get()) else { continue };
        let [cost, tokens, reserved, pending, budget] = spending(&stage.spending);
        let awaited = stage.awaited_cost.map(Cost::picodollars);
        stages.push(*run_id, [Some(stage_id)], [cost, tokens, reserved, pending, budget, awaited], []);
    }
    if !runs.is_empty() {
        let query = runs.bind(transaction.query(UPDATE_RUNS));
        transaction.execute(ACTION, query).await?;
    }
    if !stages.is_empty() {
        let query = stages.bind(transaction.query(UPDATE_STAGES));
        transaction.execute(ACTION, query).await?;
    }
    Ok(())
}

fn spending(spending: &CostSummary) -> [Option<i64>; 5] {
    [
        Some(spending.cost.picodollars()),
        Some(number(spending.tokens)),
        Some(spending.reserved.picodollars()),
        Some(i64::from(spending.pending_calls)),
        spending.budget.map(Cost::picodollars),
    ]
}

/// Binds new calls to [`RESERVE`]. Without `with_instant` the database's clock provides their instants.
pub(super) fn bind_reservations<'q>(
    query: PgQuery<'q>,
    calls: &[ReservedRow],
    with_instant: bool,
) -> PgQuery<'q> {
    let records = || calls.iter().map(|row| &row.record);
    let text = |text: Option<&str>| text.map(|text| stored(text).into_owned());
    let ids: Vec<Uuid> = records().map(|record| record.id.as_uuid()).collect();
    let runs: Vec<Option<String>> =
        records().map(|record| record.run_id.map(|run_id| run_id.to_string())).collect();
    let mut texts: [Vec<Option<String>>; 7] = Default::default();
    for record in records() {
        let row = [
            record.stage_id.as_deref(),
            Some(&record.topic),
            Some(record.call_type.as_str()),
            Some(&record.model_key),
            Some(&record.model_id),
            record.metadata.as_ref().map(Json::as_str),
            record.prompt.as_deref(),
        ];
        texts.iter_mut().zip(row).for_each(|(column, value)| column.push(text(value)));
    }
    let query = texts.into_iter().fold(query.bind(ids).bind(runs), sqlx::query::Query::bind);
    let numbers = |number: fn(&ReservedRow) -> i64| calls.iter().map(number).collect::<Vec<i64>>();
    let query = query.bind(numbers(|row| i64::from(row.record.generation)));
    let query = query.bind(numbers(|row| i64::from(row.record.attempt)));
    let query = query.bind(numbers(|row| number(row.lease_epoch)));
    let query = query.bind(numbers(|row| row.record.reserved.picodollars()));
    query.bind(records().map(|record| with_instant.then_some(record.created_at)).collect::<Vec<_>>())
}

/// Binds settled calls to [`SETTLE`]: either calls of runs or calls outside of any run. `with_instant` is as in
/// [`bind_reservations`].
pub(super) fn bind_settlements<'q>(
    query: PgQuery<'q>,
    settled: &[SettledRow],
    of_runs: bool,
    with_instant: bool,
) -> PgQuery<'q> {
    let text = |text: Option<&str>| text.map(|text| stored(text).into_owned());
    let ids: Vec<Uuid> = settled.iter().map(|row| row.id.as_uuid()).collect();
    let mut texts: [Vec<Option<String>>; 4] = Default::default();
    let mut numbers: [Vec<i64>; 4] = Default::default();
    for row in settled {
        let call = &row.settled;
        let of_row =
            [Some(row.outcome.as_str()), row.error.as_deref(), row.metadata(), call.response.as_deref()];
        texts.iter_mut().zip(of_row).for_each(|(column, value)| column.push(text(value)));
        let of_row = [
            number(call.input_tokens),
            number(call.cached_input_tokens),
            number(call.output_tokens),
            call.cost.picodollars(),
        ];
        numbers.iter_mut().zip(of_row).for_each(|(column, value)| column.push(value));
    }
    let query = texts.into_iter().fold(query.bind(ids), sqlx::query::Query::bind);
    let query = numbers.into_iter().fold(query, sqlx::query::Query::bind);
    query.bind(settled.iter().map(|row| with_instant.then_some(row.at)).collect::<Vec<_>>()).bind(of_runs)
}
