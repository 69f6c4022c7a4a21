//! Calls of models: the ledger's records, and what a decision needs of them.

use super::{FromColumns, ReadColumns};
use crate::records::{AiCallRecord, CallStatus, CallType};
use crate::stores::calls::CallRow;
use crate::value::{CallId, RunId, StageKey};

/// The columns from which a call is read.
macro_rules! call_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            c: id,
            ids: [workflow_run_id],
            texts: [stage_id, place, topic, call_type, model_key, model_id, prompt, response, metadata, outcome,
                error_message],
            numbers: [generation, attempt, input_tokens, cached_input_tokens, output_tokens, cost, reserved],
            flags: [],
            instants: [created_at, ended_at]
        )
    };
}

/// The columns from which a [`StoredCall`] is read.
macro_rules! call_row_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            c: id,
            ids: [workflow_run_id],
            texts: [stage_id, place, outcome],
            numbers: [reserved],
            flags: [],
            instants: []
        )
    };
}

pub(in crate::stores) use {call_columns, call_row_columns};

/// A call, as far as a decision needs it.
pub(in crate::stores) struct StoredCall(pub(in crate::stores) CallId, pub(in crate::stores) CallRow);

impl FromColumns for AiCallRecord {
    const TABLE: &'static str = "workflow_ai_calls";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            id: id(columns)?,
            run_id: run_id(columns)?,
            stage_id: columns.maybe_text("stage_id")?,
            place: columns.place()?,
            topic: columns.text("topic")?,
            call_type: columns.one_of("call_type", &CallType::ALL, CallType::as_str)?,
            model_key: columns.text("model_key")?,
            model_id: columns.text("model_id")?,
            prompt: columns.maybe_text("prompt")?,
            response: columns.maybe_text("response")?,
            metadata: columns.maybe_json("metadata")?,
            outcome: outcome(columns)?,
            error_message: columns.maybe_text("error_message")?,
            generation: columns.int("generation")?,
            attempt: columns.int("attempt")?,
            input_tokens: columns.int("input_tokens")?,
            cached_input_tokens: columns.int("cached_input_tokens")?,
            output_tokens: columns.int("output_tokens")?,
            cost: columns.cost("cost")?,
            reserved: columns.cost("reserved")?,
            created_at: columns.instant("created_at")?,
            ended_at: columns.maybe_instant("ended_at")?,
        })
    }
}

impl FromColumns for StoredCall {
    const TABLE: &'static str = "workflow_ai_calls";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        let id = id(columns)?;
        let run_id = run_id(columns)?;
        let (stage_id, place) = (columns.maybe_text("stage_id")?, columns.place()?);
        let call = CallRow {
            run_id,
            stage_key: stage_id.map(|id| StageKey { id, place }),
            outcome: outcome(columns)?,
            reserved: columns.cost("reserved")?,
        };
        Ok(Self(id, call))
    }
}

/// Reads the id with which the row begins. It is that of the call, where other rows have that of their run.
fn id<C: ReadColumns>(columns: &mut C) -> Result<CallId, C::Failure> {
    Ok(CallId::from(*columns.run_id()?.as_uuid()))
}

fn run_id<C: ReadColumns>(columns: &mut C) -> Result<Option<RunId>, C::Failure> {
    let run_id = columns.maybe_text("workflow_run_id")?.map(|id| id.parse::<RunId>()).transpose();
    run_id.map_err(|error| columns.unreadable("workflow_run_id", error))
}

fn outcome<C: ReadColumns>(columns: &mut C) -> Result<CallStatus, C::Failure> {
    columns.one_of("outcome", &CallStatus::ALL, CallStatus::as_str)
}
