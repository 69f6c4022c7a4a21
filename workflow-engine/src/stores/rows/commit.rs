//! Commits: the events that one transaction has written about a run, and the request of the run in its first one.

use super::{FromColumns, ReadColumns, WriteColumns};
use crate::records::{Event, RunRequest};
use crate::stores::event_columns::{EventColumns, StoredCommit};
use crate::stores::working_set::CommitRow;
use crate::value::Json;

/// The columns from which the events of a commit are read.
macro_rules! commit_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            c: workflow_run_id,
            ids: [],
            texts: [causation_id, event_types, events],
            numbers: [sequence],
            flags: [],
            instants: [occurred_at]
        )
    };
}

/// The columns that [`put`] writes.
macro_rules! new_commit_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            workflow_run_id,
            sequence,
            last_sequence,
            occurred_at,
            causation_id,
            event_types,
            events,
            outline,
            input,
            config,
            metadata
        )
    };
}

pub(in crate::stores) use {commit_columns, new_commit_columns};

/// Reads the events of a commit that are selected by their number and the name of their type.
pub(in crate::stores) fn events<C: ReadColumns>(
    columns: &mut C,
    is_selected: impl Fn(u64, &str) -> bool,
) -> Result<Vec<Event>, C::Failure> {
    let commit = StoredCommit::<String> {
        run_id: columns.run_id()?,
        causation_id: columns.text("causation_id")?,
        types: columns.text("event_types")?,
        payloads: columns.text("events")?,
        sequence: columns.int("sequence")?,
        at: columns.instant("occurred_at")?,
    };
    commit.events(is_selected).map_err(|error| columns.unreadable("events", error))
}

/// Adds the columns of a commit; `request` is that of the run, in its first commit.
pub(in crate::stores) fn put<W: WriteColumns>(
    row: &mut W,
    commit: &CommitRow,
    events: &EventColumns,
    request: Option<&RunRequest>,
) {
    row.run_id(commit.run_id)
        .int(commit.sequence)
        .int(commit.last_sequence)
        .instant(commit.at)
        .text(&commit.causation_id)
        .text(&events.types)
        .text(&events.payloads)
        .maybe_text(commit.outline.as_ref().map(|outline| outline.text()).as_deref())
        .maybe_text(request.map(|request| request.input.as_str()))
        .maybe_text(request.map(|request| request.config.as_str()))
        .maybe_text(request.and_then(|request| request.metadata.as_ref()).map(Json::as_str));
}

impl FromColumns for RunRequest {
    const TABLE: &'static str = "workflow_commits";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        columns.run_id()?;
        Ok(Self {
            input: columns.json("input")?,
            config: columns.json("config")?,
            metadata: columns.maybe_json("metadata")?,
        })
    }
}
