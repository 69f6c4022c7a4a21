//! Side rows: rows beside runs and stages, which few commits have.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::signals::ConsumedSignal;
use crate::records::{AnnotationRecord, ScheduleRecord, SignalRecord, Statement, StoredValue};
use crate::stores::calls::{ReservedRow, SettledRow, VoidedCalls};
use crate::value::{RunId, StageKey};

/// Rows beside runs and stages. Each kind is written by its own statement, and only where there is any.
#[derive(Debug, Default)]
pub(in crate::stores) struct SideRows {
    /// Tags of new runs.
    pub(in crate::stores) tags: Vec<TagRow>,
    /// The runs that were enqueued by programs, and are created now.
    pub(in crate::stores) dequeued: Vec<RunId>,
    /// In the order in which the store assigns their ids.
    pub(in crate::stores) annotations: Vec<AnnotationRecord>,
    /// By run, stage and key: the transaction's last value of each.
    pub(in crate::stores) artifacts: BTreeMap<(RunId, StageKey, String), ArtifactRow>,
    /// The stages whose metrics have changed.
    pub(in crate::stores) changed_metrics: BTreeSet<(RunId, StageKey)>,
    /// New calls of models. They are written before the settled ones.
    pub(in crate::stores) reserved_calls: Vec<ReservedRow>,
    /// Outcomes of calls. They are written before calls are voided.
    pub(in crate::stores) settled_calls: Vec<SettledRow>,
    /// The stages whose reserved calls become unknown.
    pub(in crate::stores) voided_calls: Vec<VoidedCalls>,
    /// The runs, and the stages of runs, whose spending has changed.
    pub(in crate::stores) changed_spending: BTreeSet<(RunId, Option<StageKey>)>,
    /// The stages whose blobs of earlier generations are void.
    pub(in crate::stores) void_blobs: Vec<VoidBlobs>,
    /// New signals. They are written before signals are consumed.
    pub(in crate::stores) new_signals: Vec<SignalRecord>,
    /// The signals that waits have consumed.
    pub(in crate::stores) consumed_signals: Vec<ConsumedSignal>,
    /// The runs that decisions about other runs have read, and may have written. Such a transaction writes all of its
    /// rows or none.
    pub(in crate::stores) other_runs: Vec<RunId>,
    /// The schedules that ticks have moved.
    pub(in crate::stores) moved_schedules: Vec<MovedSchedule>,
    /// Statements of the user. They run after everything else is written.
    pub(in crate::stores) user_statements: Vec<UserStatements>,
}

/// A tag of a run.
#[derive(Clone, Debug)]
pub(in crate::stores) struct TagRow {
    pub(in crate::stores) run_id: RunId,
    pub(in crate::stores) key: String,
    pub(in crate::stores) value: String,
}

/// An artifact that is written, or deleted where it has no value.
#[derive(Clone, Debug)]
pub(in crate::stores) struct ArtifactRow {
    pub(in crate::stores) generation: u32,
    pub(in crate::stores) value: Option<StoredValue>,
    pub(in crate::stores) at: DateTime<Utc>,
}

/// A schedule that a tick has moved.
#[derive(Clone, Debug)]
pub(in crate::stores) struct MovedSchedule {
    /// The version of the row before.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory moves its records in one lock")
    )]
    pub(in crate::stores) expected: u64,
    pub(in crate::stores) record: ScheduleRecord,
}

/// The blobs of a stage from before a generation: a rerun has cleared all that refers to them.
#[derive(Clone, Debug)]
pub(in crate::stores) struct VoidBlobs {
    pub(in crate::stores) run_id: RunId,
    pub(in crate::stores) stage_key: StageKey,
    pub(in crate::stores) generation: u32,
}

impl VoidBlobs {
    /// Returns the bounds of their keys, and of the keys between them that are not void. All are exclusive.
    pub(in crate::stores) fn bounds(&self) -> [String; 4] {
        let Self { run_id, stage_key, generation } = self;
        let stage = format!("{run_id}/{stage_key}");
        // `0` is the character after `/`.
        [
            format!("{stage}/"),
            format!("{stage}0"),
            format!("{stage}/{generation}/"),
            format!("{stage}/{generation}0"),
        ]
    }
}

/// Statements of the user that one stage has given.
#[derive(Clone, Debug)]
pub(in crate::stores) struct UserStatements {
    pub(in crate::stores) run_id: RunId,
    pub(in crate::stores) stage_key: StageKey,
    pub(in crate::stores) statements: Vec<Statement>,
}

impl SideRows {
    /// Returns whether there are no such rows.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "the other stores write each kind where there is any")
    )]
    pub(in crate::stores) fn is_empty(&self) -> bool {
        let Self {
            tags,
            dequeued,
            annotations,
            artifacts,
            changed_metrics,
            reserved_calls,
            settled_calls,
            voided_calls,
            changed_spending,
            void_blobs,
            new_signals,
            consumed_signals,
            other_runs,
            moved_schedules,
            user_statements,
        } = self;
        tags.is_empty()
            && dequeued.is_empty()
            && annotations.is_empty()
            && artifacts.is_empty()
            && changed_metrics.is_empty()
            && reserved_calls.is_empty()
            && settled_calls.is_empty()
            && voided_calls.is_empty()
            && changed_spending.is_empty()
            && void_blobs.is_empty()
            && new_signals.is_empty()
            && consumed_signals.is_empty()
            && other_runs.is_empty()
            && moved_schedules.is_empty()
            && user_statements.is_empty()
    }

    /// Adds the rows of a later decision.
    pub(in crate::stores) fn merge(&mut self, later: Self) {
        self.tags.extend(later.tags);
        self.dequeued.extend(later.dequeued);
        self.annotations.extend(later.annotations);
        self.artifacts.extend(later.artifacts);
        self.changed_metrics.extend(later.changed_metrics);
        self.reserved_calls.extend(later.reserved_calls);
        self.settled_calls.extend(later.settled_calls);
        self.voided_calls.extend(later.voided_calls);
        self.changed_spending.extend(later.changed_spending);
        self.void_blobs.extend(later.void_blobs);
        self.new_signals.extend(later.new_signals);
        self.consumed_signals.extend(later.consumed_signals);
        self.other_runs.extend(later.other_runs);
        self.moved_schedules.extend(later.moved_schedules);
        self.user_statements.extend(later.user_statements);
    }
}
