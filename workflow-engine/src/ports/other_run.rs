//! What a decision about one run writes to another one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::idempotency_entry::IdempotencyEntry;
use super::new_run::NewRun;
use crate::records::RunStart;
use crate::value::{Cost, RunId, StageKey};

/// What a decision about one run writes to another one, in the same transaction: a child of the run, or its parent.
#[derive(Clone, Debug)]
pub enum OtherRun {
    /// Creates a child. Its events are its own.
    Start(Box<ChildStart>),
    /// Makes the check of a stage of the parent due now, as `Change::Wake` does, if this decision ends its own run and the
    /// stage waits for that run. Otherwise nothing changes. No event.
    WakeParent {
        /// The parent.
        run_id: RunId,
        /// The stage of the parent.
        stage_key: StageKey,
    },
    /// Makes the end of a child due now: [`Timers::overdue_runs`](super::Timers::overdue_runs) returns it, and its
    /// `cancel_reason` says that it is to be cancelled. Moves its version. If the run is not a child for which this stage
    /// waits, or has ended, nothing changes. No event.
    CancelChild {
        /// The child.
        run_id: RunId,
        /// The stage of this run that waits for it.
        stage_key: StageKey,
        /// The reason, for people.
        reason: String,
    },
}

/// A run that a stage starts. The commit of the stage creates it, as a decision with these changes would.
#[derive(Clone, Debug)]
pub struct ChildStart {
    /// The id of the run to be created.
    pub run_id: RunId,
    /// The idempotency key of `run.create`, where the stage has given one.
    pub idempotency: Option<IdempotencyEntry>,
    /// The run, as in `Change::CreateRun`.
    pub run: NewRun,
    /// The tags, as in `Change::Tag`.
    pub tags: BTreeMap<String, String>,
    /// The budget, as in `Change::SetBudget`.
    pub budget: Option<Cost>,
    /// The start, as in `Change::SetTimes`.
    pub start: Option<RunStart>,
    /// The longest time, as in `Change::SetTimes`.
    pub deadline: Option<Duration>,
}

impl ChildStart {
    /// Creates the start of a run without options.
    #[must_use]
    pub const fn new(run_id: RunId, run: NewRun) -> Self {
        let tags = BTreeMap::new();
        Self { run_id, idempotency: None, run, tags, budget: None, start: None, deadline: None }
    }
}
