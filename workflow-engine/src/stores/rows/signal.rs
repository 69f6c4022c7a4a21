//! Signals, and the stages that wait for them.

use super::row_list::RowList;
use super::{FromColumns, ReadColumns, WriteColumns};
use crate::records::{SignalRecord, SignalWait};
use crate::stores::working_set::{SideRows, SignalQueue};
use crate::value::{RunId, StageKey};

/// The columns from which a signal is read.
macro_rules! signal_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            g: workflow_run_id,
            ids: [],
            texts: [stage_id, place, payload, actor],
            numbers: [number, consumed_by],
            flags: [],
            instants: [created_at, consumed_at]
        )
    };
}

/// The columns from which the state of a queue is read.
macro_rules! signal_queue_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            q: workflow_run_id,
            ids: [],
            texts: [stage_id, place, first_actor],
            numbers: [last, consumed],
            flags: [],
            instants: []
        )
    };
}

/// The columns from which a wait is read.
macro_rules! signal_wait_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            w: workflow_run_id,
            ids: [],
            texts: [workflow_id, definition_fingerprint, stage_id, place, stage_name, suspended_state,
                suspended_state_blob],
            numbers: [stage_number],
            flags: [],
            instants: [started_at, run_at]
        )
    };
}

pub(in crate::stores) use {signal_columns, signal_queue_columns, signal_wait_columns};

impl FromColumns for SignalRecord {
    const TABLE: &'static str = "workflow_signals";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            run_id: columns.run_id()?,
            stage_id: columns.text("stage_id")?,
            place: columns.place()?,
            payload: columns.json("payload")?,
            actor: columns.maybe_text("actor")?,
            number: columns.int("number")?,
            consumed_by: columns.maybe_int("consumed_by")?,
            at: columns.instant("created_at")?,
            consumed_at: columns.maybe_instant("consumed_at")?,
        })
    }
}

/// The state of a queue, with its run and stage.
pub(in crate::stores) struct StoredQueue(
    pub(in crate::stores) (RunId, StageKey),
    pub(in crate::stores) SignalQueue,
);

impl FromColumns for StoredQueue {
    const TABLE: &'static str = "workflow_signals";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        let key = (columns.run_id()?, columns.stage_key()?);
        let first_actor = columns.maybe_text("first_actor")?;
        let (last, consumed) = (columns.int("last")?, columns.int("consumed")?);
        Ok(Self(key, SignalQueue { last, consumed, first_actor }))
    }
}

impl FromColumns for SignalWait {
    const TABLE: &'static str = "workflow_job_queue";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        let run_id = columns.run_id()?;
        let (workflow_id, definition_fingerprint) =
            (columns.text("workflow_id")?, columns.text("definition_fingerprint")?);
        let (stage_key, stage_name) = (columns.stage_key()?, columns.text("stage_name")?);
        let question = columns.value("suspended_state")?.ok_or_else(|| columns.missing("suspended_state"))?;
        columns.int::<u32>("stage_number")?;
        Ok(Self {
            run_id,
            workflow_id,
            definition_fingerprint,
            stage_id: stage_key.id,
            place: stage_key.place,
            stage_name,
            question,
            asked_at: columns.maybe_instant("started_at")?,
            deadline: columns.instant("run_at")?,
        })
    }
}

/// Returns the new signals, and the consumed ones.
pub(super) fn signal_rows<L: RowList>(rows: &SideRows) -> [L; 2] {
    let [mut new, mut consumed] = std::array::from_fn(|_| L::default());
    for signal in &rows.new_signals {
        new.push(|row| {
            row.run_id(signal.run_id)
                .stage(&signal.stage_id, &signal.place)
                .int(signal.number)
                .text(signal.payload.as_str())
                .maybe_text(signal.actor.as_deref())
                .instant(signal.at);
        });
    }
    for signal in &rows.consumed_signals {
        consumed.push(|row| {
            row.run_id(signal.run_id)
                .stage_key(&signal.stage_key)
                .int(signal.number)
                .int(signal.generation)
                .instant(signal.at);
        });
    }
    [new, consumed]
}
