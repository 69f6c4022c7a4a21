//! The sums of calls by hour, workflow, stage and model, shared by the stores.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::rows::ReadColumns;
use crate::ports::CostQuery;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::records::CostSummary;
use crate::records::{AiCallRecord, CallStatus, CostGroup, CostKey, CostSums, UnfinishedCosts};
use crate::value::Cost;

/// The most unfinished runs whose costs are summed up.
pub(super) const MAX_UNFINISHED: usize = 10_000;

/// The hour, workflow, stage and model of a call; empty texts outside of runs and stages.
pub(super) type CostPlace = (DateTime<Utc>, String, String, String);

/// Returns the place of a call.
pub(super) fn place(call: &AiCallRecord, workflow_id: Option<&str>) -> CostPlace {
    let hour = call.created_at.duration_trunc(TimeDelta::hours(1)).unwrap_or(call.created_at);
    let stage_id = call.stage_id.clone().unwrap_or_default();
    (hour, workflow_id.unwrap_or_default().to_owned(), stage_id, call.model_key.clone())
}

/// Returns the sums over one call.
pub(super) fn sums(call: &AiCallRecord) -> CostSums {
    let is = |outcome| u64::from(call.outcome == outcome);
    let reserved = |outcome| if call.outcome == outcome { call.reserved } else { Cost::ZERO };
    CostSums {
        calls: 1,
        failed_calls: is(CallStatus::Failed),
        input_tokens: call.input_tokens,
        cached_input_tokens: call.cached_input_tokens,
        output_tokens: call.output_tokens,
        cost: call.cost,
        pending_calls: is(CallStatus::Reserved),
        reserved: reserved(CallStatus::Reserved),
        unknown_calls: is(CallStatus::Unknown),
        unknown_cost: reserved(CallStatus::Unknown),
    }
}

/// Returns the place of the group to which a place belongs: what is no key is empty.
pub(super) fn group_of(query: &CostQuery, place: CostPlace) -> (Option<DateTime<Utc>>, [String; 3]) {
    let (hour, workflow_id, stage_id, model_key) = place;
    let unless = |key, text| if query.by.contains(&key) { text } else { String::new() };
    let at = match () {
        () if query.by.contains(&CostKey::Hour) => Some(hour),
        () if query.by.contains(&CostKey::Day) => {
            Some(hour.duration_trunc(TimeDelta::days(1)).unwrap_or(hour))
        }
        () => None,
    };
    let texts = [
        unless(CostKey::Workflow, workflow_id),
        unless(CostKey::Stage, stage_id),
        unless(CostKey::Model, model_key),
    ];
    (at, texts)
}

/// Creates a group.
pub(super) fn group(at: Option<DateTime<Utc>>, texts: [String; 3], sums: CostSums) -> CostGroup {
    let [workflow_id, stage_id, model_key] = texts.map(|text| (!text.is_empty()).then_some(text));
    CostGroup { at, workflow_id, stage_id, model_key, sums }
}

/// Reads a group. Each amount is two numbers, its upper and its lower 32 bits, which a database sums up without loss.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn read_group<C: ReadColumns>(columns: &mut C) -> Result<CostGroup, C::Failure> {
    let at = columns.maybe_instant("at")?;
    let texts = [columns.text("workflow_id")?, columns.text("stage_id")?, columns.text("model_key")?];
    let sums = CostSums {
        calls: columns.int("calls")?,
        failed_calls: columns.int("failed_calls")?,
        input_tokens: columns.int("input_tokens")?,
        cached_input_tokens: columns.int("cached_input_tokens")?,
        output_tokens: columns.int("output_tokens")?,
        cost: amount(columns, "cost")?,
        pending_calls: columns.int("pending_calls")?,
        reserved: amount(columns, "reserved")?,
        unknown_calls: columns.int("unknown_calls")?,
        unknown_cost: amount(columns, "unknown_cost")?,
    };
    Ok(group(at, texts, sums))
}

/// Reads the costs of unfinished runs.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn read_unfinished<C: ReadColumns>(columns: &mut C) -> Result<UnfinishedCosts, C::Failure> {
    let runs = columns.int("count")?;
    let cost = amount(columns, "total_cost")?;
    Ok(unfinished(runs, cost, amount(columns, "reserved_cost")?))
}

/// The most descendants of a run whose costs are summed up.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) const MAX_DESCENDANTS: i64 = 100_000;

/// Reads the costs of the descendants of a run.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn read_descendants<C: ReadColumns>(columns: &mut C) -> Result<CostSummary, C::Failure> {
    Ok(CostSummary {
        cost: amount(columns, "total_cost")?,
        reserved: amount(columns, "reserved_cost")?,
        tokens: columns.int("total_tokens")?,
        pending_calls: columns.int("pending_calls")?,
        budget: None,
    })
}

/// Creates the costs of unfinished runs, of which one more than the most was read.
pub(super) fn unfinished(runs: u64, cost: Cost, reserved: Cost) -> UnfinishedCosts {
    let most = MAX_UNFINISHED as u64;
    UnfinishedCosts { runs: runs.min(most), is_exact: runs <= most, cost, reserved }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
fn amount<C: ReadColumns>(columns: &mut C, column: &'static str) -> Result<Cost, C::Failure> {
    let (high, low) = (columns.int::<i64>(column)?, columns.int::<i64>(column)?);
    let sum = (i128::from(high) << 32) + i128::from(low);
    Ok(Cost::from_picodollars(i64::try_from(sum).unwrap_or(i64::MAX)))
}
