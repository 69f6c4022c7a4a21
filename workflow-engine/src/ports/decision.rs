//! A decision: what a command wants written, as data.
//!
//! The kernel decides from a snapshot, without I/O; a store applies the decision in one transaction, if what guards
//! it still holds. Because decisions are data, many of them share a transaction (group commit), and a store that
//! can do so turns a batch of them into one statement.

use std::collections::BTreeMap;
use std::time::Duration;

use super::new_run::{NewRun, NewStage};
use crate::ledger::{CallOutcome, CallReservation};
use crate::records::{Annotation, LogLevel, Statement};
use crate::records::{BlobKey, Claimant, Lease, RunError, StoredValue};
use crate::value::{CallId, Cost, Json, RunId};

/// What one command wants written for one run: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The run that it is about.
    pub run_id: RunId,
    /// What must still be so for it to be applied.
    pub precondition: Precondition,
    /// The key of the command, stored in the same transaction.
    pub idempotency: Option<IdempotencyEntry>,
    /// What is written, in this order. Each change writes its events, and the store numbers them.
    pub changes: Vec<Change>,
}

/// What must still be so for a decision to be applied; otherwise nothing of it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// No run has this id.
    Absent,
    /// There is such a run, whatever its state: for what goes with any.
    Present,
    /// Nothing of the run has moved since the snapshot: for what was decided from all of it.
    Revision(Revision),
    /// The stage's job can be claimed: it is `PENDING` or `SUSPENDED`, and due, with an attempt left.
    Claimable {
        /// The stage.
        stage_id: String,
        /// The run's generation.
        generation: u32,
    },
    /// As `Claimable`, and nobody has claimed it since: its next claim has the epoch after this one. For what has to
    /// name the lease that it is about to take.
    ClaimableAt {
        /// The stage.
        stage_id: String,
        /// The run's generation.
        generation: u32,
        /// The epoch of its newest lease.
        epoch: u64,
    },
    /// The lease is the stage's newest, and its generation the run's: for what commutes with other stages' commits.
    Lease(Lease),
    /// As `Lease`, and nothing else of the run has moved either.
    LeaseAndRevision(Lease, Revision),
    /// As `Lease`, and it has run out.
    ExpiredLease(Lease),
    /// As `ExpiredLease`, and nothing else of the run has moved either.
    ExpiredLeaseAndRevision(Lease, Revision),
}

/// The state of a run as a snapshot saw it. Every change of a run moves one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Of structural changes.
    pub version: u64,
    /// Of its newest event.
    pub last_sequence: u64,
}

/// An idempotency key with what answers its repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyEntry {
    /// The command's name: keys of different commands do not meet.
    pub command: &'static str,
    /// The caller's key.
    pub key: String,
    /// A hash of the request: the same key with another request is a conflict.
    pub request_hash: String,
    /// What the command answers.
    pub result: Json,
}

/// One thing that a decision writes. What it says of events is part of its meaning in every store.
#[derive(Clone, Debug)]
pub enum Change {
    /// Inserts the run, `PENDING`, version 1, generation 1. Event `workflow:created`.
    CreateRun(NewRun),
    /// The run is `RUNNING` from now; its stages are inserted, `PENDING`. Moves the version. Event
    /// `workflow:started`.
    StartRun {
        /// Every stage of the workflow, in reading order.
        stages: Vec<NewStage>,
        /// How many stages make up its output: their completion ends it.
        waiting_on: u32,
    },
    /// A job for a stage that waits for nothing, `PENDING`, due now, epoch 0; then, with a claim, as `Claim` does. Of
    /// a stage that has begun it is a repair, its job was lost: the epoch is then above every lease that can have been
    /// given, and where the stage is `SUSPENDED`, so is the job.
    Enqueue {
        /// The stage.
        stage_id: String,
        /// From the stage's retry policy.
        max_attempts: u32,
        /// Who takes it at once.
        claim: Option<Claimant>,
    },
    /// The stage's job is `RUNNING` under a new lease: epoch and attempt grow by one. The stage is `RUNNING` from
    /// now, with that attempt. Event `stage:started`. A stage that is `SUSPENDED` stays so, without an event: it is
    /// a check that is claimed.
    Claim {
        /// The stage.
        stage_id: String,
        /// Who takes it.
        claim: Claimant,
    },
    /// As `Claim`, for those of the stages whose jobs are `PENDING` and due, with an attempt left; in this order, until
    /// the decision has claimed as many jobs as there is room. Of the others nothing changes.
    ClaimQueued {
        /// The stages.
        stage_ids: Vec<String>,
        /// Who takes them.
        claim: Claimant,
        /// How many jobs the decision claims at most, those of its other changes included.
        room: usize,
    },
    /// The stage is `COMPLETED`, its error cleared, its job deleted. Event `stage:completed`.
    Complete {
        /// The stage.
        stage_id: String,
        /// What it delivered.
        output: StoredValue,
        /// How long the body ran.
        elapsed: Duration,
    },
    /// The stage is `SUSPENDED`, with this ticket, until something outside is ready; its body never runs again. Its job
    /// is `SUSPENDED`, due after `check_after`; the lease is void, and attempts begin anew: those of the checks. Event
    /// `stage:suspended`; and `workflow:suspended` when no job of the run is `PENDING` or `RUNNING` any more.
    Suspend {
        /// The stage.
        stage_id: String,
        /// What names the far side's work.
        ticket: StoredValue,
        /// Until the first check.
        check_after: Duration,
        /// Until it is given up.
        give_up_after: Duration,
    },
    /// A check found nothing yet: the job is `SUSPENDED` again, the lease void, attempts begin anew. It is due after
    /// `check_after`, or at once if it was woken meanwhile. No event.
    Postpone {
        /// The stage.
        stage_id: String,
        /// Until the next check.
        check_after: Duration,
    },
    /// The stage waits, and is checked now; if a check is running, once more after it. No event.
    Wake {
        /// The stage.
        stage_id: String,
    },
    /// One of the stages that this one waits for has completed. Whoever brings the counter to zero makes it ready,
    /// as `Enqueue` does.
    Release {
        /// The stage that waits.
        stage_id: String,
        /// From its retry policy.
        max_attempts: u32,
        /// Who takes it at once, should it become ready.
        claim: Option<Claimant>,
    },
    /// One of the stages that make up the run's output has completed. Whoever brings the counter to zero ends the
    /// run: `COMPLETED`, with this output. Moves the version then. Event `workflow:completed` then.
    ReleaseRun {
        /// The output, where one stage delivers it.
        output: Option<StoredValue>,
    },
    /// The attempt failed and another will follow: stage and job are `PENDING`, the lease is void, the job is due
    /// after `delay`. Event `stage:retrying`. Of a stage that is `SUSPENDED` it was a check that failed: stage and job
    /// are `SUSPENDED`.
    Retry {
        /// The stage.
        stage_id: String,
        /// Why.
        error: String,
        /// Until the next attempt.
        delay: Duration,
    },
    /// A stopping worker gives the job back: stage and job are `PENDING` (`SUSPENDED`, if it was a check), due now,
    /// the lease is void, and the attempt does not count. No event.
    ReturnJob {
        /// The stage.
        stage_id: String,
    },
    /// The stage is `FAILED`, its job `DEAD`. Event `stage:failed`.
    Fail {
        /// The stage.
        stage_id: String,
        /// Why.
        error: String,
    },
    /// The stage is `CANCELLED`, its job deleted. Event `stage:cancelled`.
    Cancel {
        /// The stage.
        stage_id: String,
    },
    /// The run is over without an output. Moves the version. Event `workflow:failed` or `workflow:cancelled`.
    EndRun(RunEnd),
    /// A run that is over is `RUNNING` again, in its next generation: its output, error and end are cleared, and the
    /// named stages are `PENDING` as if they had never run; the others stay `COMPLETED`. Jobs of the named stages are
    /// deleted. Moves the version. Event `workflow:started`.
    Rerun {
        /// The stages that run again, with how many of those that they wait for do so too.
        stages: Vec<RerunStage>,
        /// How many of the stages that make up its output run again.
        waiting_on: u32,
    },
    /// So many of the run's stages are ready or running, and so many wait for something outside: a repair, where jobs
    /// were lost without being counted. Moves the version, so that no two repairs are made from one snapshot. No event.
    Recount {
        /// Ready or running.
        active: u32,
        /// Waiting.
        suspended: u32,
    },
    /// The idempotency key of a command that spans two commits is answered with this from now on. Its first commit
    /// has written the key.
    CompleteIdempotencyKey {
        /// The command's name.
        command: &'static str,
        /// The caller's key.
        key: String,
        /// What answers its repetition.
        result: Json,
    },
    /// A blob of the store's own table.
    PutBlob {
        /// Its key.
        key: BlobKey,
        /// Its content.
        value: Json,
    },
    /// A log line of a stage. No event.
    Log {
        /// The stage.
        stage_id: String,
        /// Its severity.
        level: LogLevel,
        /// What it says.
        message: String,
        /// Its fields, a JSON value.
        fields: Json,
    },
    /// How far a stage is. Event `stage:progress`.
    Progress {
        /// The stage.
        stage_id: String,
        /// `0.0..=1.0`.
        fraction: f64,
        /// What it says.
        message: String,
    },
    /// One record for each attribute, with the run's generation and the stage's attempt. The stage need not be stored
    /// yet. Event `annotation:created` for each, where the annotation asks for it.
    Annotate {
        /// The stage that it is about, or that makes it.
        stage_id: Option<String>,
        /// What is noted.
        annotation: Annotation,
    },
    /// Keeps an artifact of the stage, in the stage's generation; it replaces one with this key. No event.
    PutArtifact {
        /// The stage.
        stage_id: String,
        /// Its name among those of its stage.
        key: String,
        /// Its value.
        value: StoredValue,
    },
    /// Deletes an artifact of the stage, if there is one. No event.
    DeleteArtifact {
        /// The stage.
        stage_id: String,
        /// Its name among those of its stage.
        key: String,
    },
    /// Numbers that the stage has measured; those of other names stay as they are. No event.
    RecordMetrics {
        /// The stage.
        stage_id: String,
        /// By name.
        metrics: BTreeMap<String, f64>,
    },
    /// A call of a model is about to be made under the stage's lease: it is in the ledger from now, `RESERVED`, and what
    /// it can cost at most is reserved for stage and run. A call that is there already changes nothing. Where it costs
    /// something, and what is settled and reserved would be more than the run or the stage may spend, nothing of the
    /// decision is written, and the commit fails with the code `BUDGET_EXCEEDED`. No event.
    ///
    /// A call whose lease is given up or lost before it ends, by whatever change, is `UNKNOWN` from then on, and keeps
    /// its reservation: every decision sees to that for the stages that it touches.
    ReserveCall {
        /// The stage.
        stage_id: String,
        /// The call's name.
        call_id: CallId,
        /// What is about to be asked.
        call: Box<CallReservation>,
        /// What the stage may spend, as it is declared; more where the run says so.
        budget: Option<Cost>,
    },
    /// A call of the stage has ended: what it has cost is added to stage and run, and what was reserved for it is free
    /// again, unless it is `UNKNOWN`. Of a call that is not `RESERVED`, or not there, nothing changes; but what is
    /// `UNKNOWN` may become known. No event.
    SettleCall {
        /// The stage.
        stage_id: String,
        /// The call's name.
        call_id: CallId,
        /// What became of it.
        end: Box<CallOutcome>,
    },
    /// What the run may spend from now on; or one of its stages, whatever it declares, where that is less. It never
    /// becomes less. No event.
    SetBudget {
        /// `None` for the run.
        stage_id: Option<String>,
        /// In all its generations together.
        budget: Cost,
    },
    /// The attempt was refused a call, and waits until its run or its stage may spend more: stage and job are as after
    /// `HandBack`, the attempt does not count, and the job is never due until `Resume`. Where the call fits by now, it
    /// is due at once. Event `stage:retrying`.
    AwaitBudget {
        /// The stage.
        stage_id: String,
        /// What it waits for, in words.
        error: String,
        /// What the call that was refused can cost.
        reserve: Cost,
        /// As in `ReserveCall`.
        budget: Option<Cost>,
    },
    /// A stage that waits for its budget is due now; of one that does not, nothing changes. No event.
    Resume {
        /// The stage.
        stage_id: String,
    },
    /// Statements on the user's own tables, in this order, after everything else of the decision. The decision then has
    /// a transaction to itself; a statement that is refused rolls it back, and the commit fails with the code
    /// `STATEMENT_FAILED`. No event.
    Execute {
        /// The stage that gives them.
        stage_id: String,
        /// Checked already.
        statements: Vec<Statement>,
    },
}

/// A stage that is to run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RerunStage {
    /// The stage.
    pub stage_id: String,
    /// How many stages it waits for.
    pub waiting_on: u32,
}

/// How a run ends without an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// `FAILED`.
    Failed(RunError),
    /// `CANCELLED`, with the reason that was given.
    Cancelled(Option<String>),
}
