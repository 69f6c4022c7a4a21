//! The rows that a decision reads: a store loads them before it applies the decision.

use std::collections::{BTreeMap, BTreeSet};

use crate::ports::{Change, ChildStart, Decision, OtherRun, Precondition, RerunStage};
use crate::records::Lease;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::records::Statement;
use crate::value::{CallId, RunId, StageKey};

/// The most stages whose outputs `workflow:completed` combines. Each commit that releases the run reads their rows.
pub(super) const MAX_OUTPUTS_IN_EVENT: usize = 16;

/// The rows that some decisions read. Ordered, so that a transaction walks its tables in key order.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    /// The runs, each with the stages (and their jobs) that are read.
    pub(super) runs: BTreeMap<RunId, BTreeSet<StageKey>>,
    /// Command and key of each idempotency entry.
    pub(super) keys: BTreeSet<(&'static str, String)>,
    /// Those of the keys that must be read even by a store that would notice a new one that is taken.
    pub(super) known_keys: BTreeSet<(&'static str, String)>,
    /// Calls of models.
    pub(super) calls: BTreeSet<CallId>,
    /// The queues of signals, by run and stage.
    pub(super) signals: BTreeSet<(RunId, StageKey)>,
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
        let mut named: Vec<&StageKey> = checked_stage(&decision.precondition).into_iter().collect();
        let mut inserts_stages = false;
        for change in &decision.changes {
            match reads(change) {
                Reads::Run | Reads::UserTables => {}
                Reads::Child(child) => self.add_child(child),
                Reads::OtherRun(run_id) => _ = self.runs.entry(run_id).or_default(),
                Reads::OtherStage(run_id, stage_key) => self.add_stage(run_id, stage_key.clone()),
                Reads::NewStages => inserts_stages = true,
                Reads::Stage(stage_key) => named.push(stage_key),
                Reads::TwoStages(one, other) => named.extend([one, other]),
                Reads::Stages(stage_keys) => named.extend(stage_keys),
                Reads::RerunStages(stages) => named.extend(stages.iter().map(|stage| &stage.stage_key)),
                Reads::Call { stage_key, call_id } => {
                    named.push(stage_key);
                    self.calls.insert(call_id);
                }
                Reads::Signals(stage_key) => {
                    named.push(stage_key);
                    self.signals.insert((decision.run_id, stage_key.clone()));
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
        for stage_key in named {
            if !stages.contains(stage_key) {
                stages.insert(stage_key.clone());
            }
        }
    }

    fn add_child(&mut self, child: &ChildStart) {
        self.runs.entry(child.run_id).or_default();
        self.new_runs.insert(child.run_id);
        self.keys.extend(child.idempotency.iter().map(|entry| (entry.command, entry.key.clone())));
    }

    /// Returns whether there is anything beside one run and its stages.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn has_side_rows(&self) -> bool {
        self.runs.len() > 1
            || !self.keys.is_empty()
            || !self.calls.is_empty()
            || !self.signals.is_empty()
            || !self.schedules.is_empty()
    }

    /// Adds one stage of a run.
    pub(super) fn add_stage(&mut self, run_id: RunId, stage_key: StageKey) {
        self.runs.entry(run_id).or_default().insert(stage_key);
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

/// Returns the runs that the decision creates beside its own.
pub(super) fn started_children(decision: &Decision) -> impl Iterator<Item = &ChildStart> {
    decision.changes.iter().filter_map(|change| match change {
        Change::OtherRun(OtherRun::Start(child)) => Some(&**child),
        _ => None,
    })
}

/// The rows that one change reads beside its run.
enum Reads<'a> {
    /// None.
    Run,
    /// None: the change inserts every stage that the decision names.
    NewStages,
    Stage(&'a StageKey),
    Stages(&'a [StageKey]),
    RerunStages(&'a [RerunStage]),
    TwoStages(&'a StageKey, &'a StageKey),
    Call {
        stage_key: &'a StageKey,
        call_id: CallId,
    },
    /// A stage and its queue of signals.
    Signals(&'a StageKey),
    Key {
        command: &'static str,
        key: &'a str,
    },
    /// A run that does not exist yet.
    Child(&'a ChildStart),
    /// Another run.
    OtherRun(RunId),
    /// A stage of another run.
    OtherStage(RunId, &'a StageKey),
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
        | Change::Annotate { stage_key: None, .. }
        | Change::Log { stage_key: None, .. }
        | Change::SetBudget { stage_key: None, .. } => Reads::Run,
        Change::Catch { stage_key, failed, .. } => Reads::TwoStages(stage_key, failed),
        Change::StartRun { .. } => Reads::NewStages,
        Change::Rerun { stages, .. } => Reads::RerunStages(stages),
        Change::ClaimQueued { stage_keys, .. } => Reads::Stages(stage_keys),
        Change::Suspend { stage_key, awaits_signal: true, .. }
        | Change::Signal { stage_key, .. }
        | Change::ConsumeSignal { stage_key, .. } => Reads::Signals(stage_key),
        Change::Enqueue { stage_key, .. }
        | Change::Delay { stage_key, .. }
        | Change::Claim { stage_key, .. }
        | Change::Release { stage_key, .. }
        | Change::ReturnJob { stage_key, .. }
        | Change::Complete { stage_key, .. }
        | Change::TakeOver { stage_key, .. }
        | Change::Choose { stage_key, .. }
        | Change::Skip { stage_key, .. }
        | Change::Retry { stage_key, .. }
        | Change::RecordCrash { stage_key, .. }
        | Change::NoteError { stage_key, .. }
        | Change::Fail { stage_key, .. }
        | Change::Cancel { stage_key }
        | Change::Suspend { stage_key, .. }
        | Change::Postpone { stage_key, .. }
        | Change::Wake { stage_key }
        | Change::Log { stage_key: Some(stage_key), .. }
        | Change::Progress { stage_key, .. }
        | Change::Annotate { stage_key: Some(stage_key), .. }
        | Change::PutArtifact { stage_key, .. }
        | Change::DeleteArtifact { stage_key, .. }
        | Change::RecordMetrics { stage_key, .. }
        | Change::SetBudget { stage_key: Some(stage_key), .. }
        | Change::AwaitBudget { stage_key, .. }
        | Change::Resume { stage_key } => Reads::Stage(stage_key),
        Change::ReserveCall { stage_key, call_id, .. } | Change::SettleCall { stage_key, call_id, .. } => {
            Reads::Call { stage_key, call_id: *call_id }
        }
        Change::CompleteIdempotencyKey { command, key, .. } => Reads::Key { command, key },
        Change::OtherRun(OtherRun::Start(child)) => Reads::Child(child),
        Change::OtherRun(OtherRun::CancelChild { run_id, .. }) => Reads::OtherRun(*run_id),
        Change::OtherRun(OtherRun::WakeParent { run_id, stage_key }) => Reads::OtherStage(*run_id, stage_key),
        Change::Execute { .. } => Reads::UserTables,
    }
}

/// Returns the stage whose job the precondition checks.
fn checked_stage(precondition: &Precondition) -> Option<&StageKey> {
    match precondition {
        Precondition::Absent
        | Precondition::Schedule { .. }
        | Precondition::Present
        | Precondition::Revision(_) => None,
        Precondition::Claimable { stage_key, .. }
        | Precondition::ClaimableAt { stage_key, .. }
        | Precondition::Lease(Lease { stage_key, .. })
        | Precondition::LeaseAndRevision(Lease { stage_key, .. }, _)
        | Precondition::ExpiredLease(Lease { stage_key, .. })
        | Precondition::ExpiredLeaseAndRevision(Lease { stage_key, .. }, _) => Some(stage_key),
    }
}
