//! The rows beside runs and stages that a commit writes. Few commits have any, so each kind has a statement of its own.

use super::WriteColumns;
use super::row_list::RowList;
use super::signal::signal_rows;
use crate::records::CostSummary;
use crate::stores::calls::{LOST_CALL, ReservedRow, SettledRow};
use crate::stores::working_set::WorkingSet;
use crate::value::{Cost, Json};

/// The kinds of these rows, in the order in which they are written. A store has a statement for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stores) enum SideKind {
    /// Command, key, result: stored keys that receive their results.
    CompletedKeys,
    /// Run, key, value.
    NewTags,
    /// Run, stage, place, key, value, actor, scope, payload, generation, attempt, `created_at`.
    NewAnnotations,
    /// Run, stage, place, key, data, `data_blob`, generation, `created_at`. An artifact of the same key is replaced.
    Artifacts,
    /// Run, stage, place, key.
    DeletedArtifacts,
    /// Run, and four exclusive bounds: of the keys, and of the keys among them that are not void.
    VoidBlobs,
    /// Run, stage, place, metrics.
    Metrics,
    /// As [`put_reserved`] adds them. An existing call does not change.
    ReservedCalls,
    /// As [`put_settled`] adds them.
    SettledCalls,
    /// Run, stage, place, error, instant. The reserved calls of the stage become unknown.
    VoidedCalls,
    /// Run, stage, place, number, payload, actor, `created_at`.
    NewSignals,
    /// Run, stage, place, number, `consumed_by`, `consumed_at`.
    ConsumedSignals,
    /// Run, then what it has spent.
    RunSpending,
    /// Run, stage, place, what it has spent, and the most that an awaited call can cost.
    StageSpending,
}

/// Returns the rows of a transaction, each kind that has some.
pub(in crate::stores) fn side_rows<L: RowList>(
    set: &WorkingSet,
) -> Result<Vec<(SideKind, L)>, serde_json::Error> {
    let mut keys = L::default();
    let mut completed: Vec<_> = set.completed_keys().collect();
    // In key order: two transactions that write the same keys then wait for each other without a deadlock.
    completed.sort_by_key(|(command, key, _)| (*command, *key));
    for (command, key, entry) in completed {
        keys.push(|row| _ = row.text(command).text(key).text(entry.result.as_str()));
    }
    let rows = &set.side_rows;
    let [mut tags, mut annotations, mut artifacts, mut deleted, mut void, mut metrics] =
        std::array::from_fn(|_| L::default());
    for tag in &rows.tags {
        tags.push(|row| _ = row.run_id(tag.run_id).text(&tag.key).text(&tag.value));
    }
    for annotation in &rows.annotations {
        annotations.push(|row| {
            row.run_id(annotation.run_id)
                .maybe_stage(annotation.stage_id.as_deref(), &annotation.place)
                .text(&annotation.key)
                .text(annotation.value.as_str())
                .maybe_text(annotation.actor.as_deref())
                .maybe_text(annotation.scope.as_deref())
                .maybe_text(annotation.payload.as_ref().map(Json::as_str))
                .int(annotation.generation)
                .maybe_int(annotation.attempt)
                .instant(annotation.at);
        });
    }
    for ((run_id, stage_key, key), artifact) in &rows.artifacts {
        if artifact.value.is_none() {
            deleted.push(|row| _ = row.run_id(*run_id).stage_key(stage_key).text(key));
            continue;
        }
        artifacts.push(|row| {
            row.run_id(*run_id)
                .stage_key(stage_key)
                .text(key)
                .value(artifact.value.as_ref())
                .int(artifact.generation)
                .instant(artifact.at);
        });
    }
    for blobs in &rows.void_blobs {
        let bounds = blobs.bounds();
        void.push(|row| {
            row.run_id(blobs.run_id);
            for bound in bounds {
                row.text(&bound);
            }
        });
    }
    for (run_id, stage_key) in &rows.changed_metrics {
        let Some(stage) = set.stage(*run_id, stage_key).and_then(|rows| rows.stage.get()) else { continue };
        let text = serde_json::to_string(&stage.metrics)?;
        let text = (!stage.metrics.is_empty()).then_some(text.as_str());
        metrics.push(|row| _ = row.run_id(*run_id).stage_key(stage_key).maybe_text(text));
    }
    let [mut reserved, mut settled, mut voided, mut runs, mut stages] = std::array::from_fn(|_| L::default());
    for call in &rows.reserved_calls {
        reserved.push(|row| put_reserved(row, call, true));
    }
    for call in &rows.settled_calls {
        settled.push(|row| put_settled(row, call, true, true));
    }
    for calls in &rows.voided_calls {
        voided.push(|row| {
            row.run_id(calls.run_id).stage_key(&calls.stage_key).text(LOST_CALL).instant(calls.at);
        });
    }
    let [signals, consumed] = signal_rows(rows);
    for (run_id, stage_key) in &rows.changed_spending {
        let Some(stage_key) = stage_key else {
            let Some(run) = set.run(*run_id) else { continue };
            runs.push(|row| put_spending(row.run_id(*run_id), &run.spending));
            continue;
        };
        let Some(stage) = set.stage(*run_id, stage_key).and_then(|rows| rows.stage.get()) else { continue };
        stages.push(|row| {
            put_spending(row.run_id(*run_id).stage_key(stage_key), &stage.spending);
            row.maybe_int(stage.awaited_cost.map(Cost::picodollars));
        });
    }
    let all = [
        (SideKind::CompletedKeys, keys),
        (SideKind::NewTags, tags),
        (SideKind::NewAnnotations, annotations),
        (SideKind::Artifacts, artifacts),
        (SideKind::DeletedArtifacts, deleted),
        (SideKind::VoidBlobs, void),
        (SideKind::Metrics, metrics),
        (SideKind::ReservedCalls, reserved),
        (SideKind::SettledCalls, settled),
        (SideKind::VoidedCalls, voided),
        (SideKind::NewSignals, signals),
        (SideKind::ConsumedSignals, consumed),
        (SideKind::RunSpending, runs),
        (SideKind::StageSpending, stages),
    ];
    Ok(all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect())
}

/// Adds a new call: id, run, stage, place, topic, `call_type`, `model_key`, `model_id`, metadata, prompt, generation, attempt,
/// `lease_epoch`, reserved, `created_at`. Without `has_instant` the database's clock provides the instant.
pub(in crate::stores) fn put_reserved<W: WriteColumns>(row: &mut W, call: &ReservedRow, has_instant: bool) {
    let record = &call.record;
    row.uuid(record.id.as_uuid())
        .maybe_text(record.run_id.map(|run_id| run_id.to_string()).as_deref())
        .maybe_stage(record.stage_id.as_deref(), &record.place)
        .text(&record.topic)
        .text(record.call_type.as_str())
        .text(&record.model_key)
        .text(&record.model_id)
        .maybe_text(record.metadata.as_ref().map(Json::as_str))
        .maybe_text(record.prompt.as_deref())
        .int(record.generation)
        .int(record.attempt)
        .int(call.lease_epoch)
        .int(record.reserved.picodollars())
        .maybe_instant(has_instant.then_some(record.created_at));
}

/// Adds the outcome of a call: id, outcome, `error_message`, metadata, response, `input_tokens`, `cached_input_tokens`,
/// `output_tokens`, cost, `ended_at`, and whether it is a call of a run. `has_instant` is as in [`put_reserved`].
pub(in crate::stores) fn put_settled<W: WriteColumns>(
    row: &mut W,
    call: &SettledRow,
    is_of_run: bool,
    has_instant: bool,
) {
    let settled = &call.settled;
    row.uuid(call.id.as_uuid())
        .text(call.outcome.as_str())
        .maybe_text(call.error.as_deref())
        .maybe_text(call.metadata())
        .maybe_text(settled.response.as_deref())
        .int(settled.input_tokens)
        .int(settled.cached_input_tokens)
        .int(settled.output_tokens)
        .int(settled.cost.picodollars())
        .maybe_instant(has_instant.then_some(call.at))
        .flag(is_of_run);
}

/// Adds what a run or a stage has spent: `total_cost`, `total_tokens`, `reserved_cost`, `pending_calls`, budget.
fn put_spending<W: WriteColumns>(row: &mut W, spending: &CostSummary) {
    row.int(spending.cost.picodollars())
        .int(spending.tokens)
        .int(spending.reserved.picodollars())
        .int(spending.pending_calls)
        .maybe_int(spending.budget.map(Cost::picodollars));
}
