//! The rows that a decision reads: a store loads them before it applies the decision.

use std::collections::{BTreeMap, BTreeSet};

use crate::ports::{Change, Decision, Precondition, RerunStage};
use crate::records::Lease;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::records::Statement;
use crate::value::{CallId, RunId};

/// The most stages whose outputs `workflow:completed` combines. Each commit that releases the run reads their rows.
pub(super) const MAX_OUTPUTS_IN_EVENT: usize = 16;

/// The rows that some decisions read. Ordered, so that a transaction walks its tables in key order.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    /// The runs, each with the stages (and their jobs) that are read.
    pub(super) runs: BTreeMap<RunId, BTreeSet<String>>,
    /// Command and key of each idempotency entry.
    pub(super) keys: BTreeSet<(&'static str, String)>,
    /// Those of the keys that must be read even by a store that would notice a new one that is taken.
    pub(super) known_keys: BTreeSet<(&'static str, String)>,
    /// Calls of models.
    pub(super) calls: BTreeSet<CallId>,
    /// The queues of signals, by run and stage.
    pub(super) signals: BTreeSet<(RunId, String)>,
    /// The schedules, by id.
    pub(super) schedules: BTreeSet<String>,
    /// The runs that are created, which have no rows yet.
    pub(super) new_runs: BTreeSet<RunId>,
    /// The runs whose rows must be the stored ones. Renewing a lease changes a job and nothing that a cache notices, so
    /// only the row tells whether a lease has expired.
    pub(super) fresh_runs: BTreeSet<RunId>,
}

impl Footprint {
    /// Adds the rows that this decision reads.
    pub(super) fn add(&mut self, decision: &Decision) {
        if let Some(entry) = &decision.idempotency {
            self.keys.insert((entry.command, entry.key.clone()));
        }
        match &decision.precondition {
            Precondition::Absent => _ = self.new_runs.insert(decision.run_id),
            Precondition::Schedule { id, .. } => {
                self.new_runs.insert(decision.run_id);
                self.schedules.insert(id.clone());
            }
            Precondition::ExpiredLease(_) | Precondition::ExpiredLeaseAndRevision(..) => {
                self.fresh_runs.insert(decision.run_id);
            }
            _ => {}
        }
        let mut named: Vec<&str> = checked_stage(&decision.precondition).into_iter().collect();
        let mut inserts_stages = false;
        for change in &decision.changes {
            match reads(change) {
                Reads::Run | Reads::UserTables => {}
                Reads::NewStages => inserts_stages = true,
                Reads::Stage(stage_id) => named.push(stage_id),
                Reads::TwoStages(one, other) => named.extend([one, other]),
                Reads::Stages(stage_ids) => named.extend(stage_ids.iter().map(String::as_str)),
                Reads::RerunStages(stages) => named.extend(stages.iter().map(|stage| &*stage.stage_id)),
                Reads::Call { stage_id, call_id } => {
                    named.push(stage_id);
                    self.calls.insert(call_id);
                }
                Reads::Signals(stage_id) => {
                    named.push(stage_id);
                    self.signals.insert((decision.run_id, stage_id.to_owned()));
                }
                Reads::Key { command, key } => {
                    self.keys.insert((command, key.to_owned()));
                    self.known_keys.insert((command, key.to_owned()));
                }
            }
        }
        let stages = self.runs.entry(decision.run_id).or_default();
        // A decision that starts its run inserts every stage that it names, so there are no stages to read.
        if inserts_stages {
            return;
        }
        for stage_id in named {
            if !stages.contains(stage_id) {
                stages.insert(stage_id.to_owned());
            }
        }
    }

    /// Returns whether there is anything beside runs and stages.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn has_side_rows(&self) -> bool {
        !self.keys.is_empty()
            || !self.calls.is_empty()
            || !self.signals.is_empty()
            || !self.schedules.is_empty()
    }

    /// Adds one stage of a run.
    pub(super) fn add_stage(&mut self, run_id: RunId, stage_id: String) {
        self.runs.entry(run_id).or_default().insert(stage_id);
    }
}

/// Returns whether the decision carries statements of the user. It then has a transaction to itself: its statements
/// may lock other rows, take long, or be refused, and no other decision should pay for that.
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "the store in memory has a transaction for each decision anyway")
)]
pub(super) fn has_user_statements(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| matches!(reads(change), Reads::UserTables))
}

/// Returns the statements of the user in this decision: of each change that has some, in order.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn user_statements(decision: &Decision) -> impl Iterator<Item = &[Statement]> {
    decision.changes.iter().filter_map(|change| match change {
        Change::Execute { statements, .. } => Some(statements.as_slice()),
        _ => None,
    })
}

/// The rows that one change reads beside its run.
enum Reads<'a> {
    /// None.
    Run,
    /// None: the change inserts every stage that the decision names.
    NewStages,
    Stage(&'a str),
    Stages(&'a [String]),
    RerunStages(&'a [RerunStage]),
    TwoStages(&'a str, &'a str),
    Call {
        stage_id: &'a str,
        call_id: CallId,
    },
    /// A stage and its queue of signals.
    Signals(&'a str),
    Key {
        command: &'static str,
        key: &'a str,
    },
    /// None of the engine's: the change runs statements of the user.
    UserTables,
}

/// Names the rows that a change reads. Without a wildcard: a new change does not compile until it is listed here.
fn reads(change: &Change) -> Reads<'_> {
    match change {
        // The event has the outputs of a small group.
        Change::ReleaseRun { output: None, stages } if stages.len() <= MAX_OUTPUTS_IN_EVENT => {
            Reads::Stages(stages)
        }
        Change::CreateRun(_)
        | Change::Tag { .. }
        | Change::Dequeue
        | Change::SetTimes { .. }
        | Change::MoveSchedule(_)
        | Change::ReleaseRun { .. }
        | Change::EndRun(_)
        | Change::Recount { .. }
        | Change::PutBlob { .. }
        | Change::Annotate { stage_id: None, .. }
        | Change::Log { stage_id: None, .. }
        | Change::SetBudget { stage_id: None, .. } => Reads::Run,
        Change::Catch { stage_id, failed, .. } => Reads::TwoStages(stage_id, failed),
        Change::StartRun { .. } => Reads::NewStages,
        Change::Rerun { stages, .. } => Reads::RerunStages(stages),
        Change::ClaimQueued { stage_ids, .. } => Reads::Stages(stage_ids),
        Change::Suspend { stage_id, awaits_signal: true, .. }
        | Change::Signal { stage_id, .. }
        | Change::ConsumeSignal { stage_id, .. } => Reads::Signals(stage_id),
        Change::Enqueue { stage_id, .. }
        | Change::Delay { stage_id, .. }
        | Change::Claim { stage_id, .. }
        | Change::Release { stage_id, .. }
        | Change::ReturnJob { stage_id, .. }
        | Change::Complete { stage_id, .. }
        | Change::TakeOver { stage_id, .. }
        | Change::Choose { stage_id, .. }
        | Change::Skip { stage_id, .. }
        | Change::Retry { stage_id, .. }
        | Change::RecordCrash { stage_id, .. }
        | Change::NoteError { stage_id, .. }
        | Change::Fail { stage_id, .. }
        | Change::Cancel { stage_id }
        | Change::Suspend { stage_id, .. }
        | Change::Postpone { stage_id, .. }
        | Change::Wake { stage_id }
        | Change::Log { stage_id: Some(stage_id), .. }
        | Change::Progress { stage_id, .. }
        | Change::Annotate { stage_id: Some(stage_id), .. }
        | Change::PutArtifact { stage_id, .. }
        | Change::DeleteArtifact { stage_id, .. }
        | Change::RecordMetrics { stage_id, .. }
        | Change::SetBudget { stage_id: Some(stage_id), .. }
        | Change::AwaitBudget { stage_id, .. }
        | Change::Resume { stage_id } => Reads::Stage(stage_id),
        Change::ReserveCall { stage_id, call_id, .. } | Change::SettleCall { stage_id, call_id, .. } => {
            Reads::Call { stage_id, call_id: *call_id }
        }
        Change::CompleteIdempotencyKey { command, key, .. } => Reads::Key { command, key },
        Change::Execute { .. } => Reads::UserTables,
    }
}

/// Returns the stage whose job the precondition checks.
fn checked_stage(precondition: &Precondition) -> Option<&str> {
    match precondition {
        Precondition::Absent
        | Precondition::Schedule { .. }
        | Precondition::Present
        | Precondition::Revision(_) => None,
        Precondition::Claimable { stage_id, .. }
        | Precondition::ClaimableAt { stage_id, .. }
        | Precondition::Lease(Lease { stage_id, .. })
        | Precondition::LeaseAndRevision(Lease { stage_id, .. }, _)
        | Precondition::ExpiredLease(Lease { stage_id, .. })
        | Precondition::ExpiredLeaseAndRevision(Lease { stage_id, .. }, _) => Some(stage_id),
    }
}
