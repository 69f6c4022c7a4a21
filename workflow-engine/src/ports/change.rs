//! A change: one thing that a decision writes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::new_run::{NewRun, NewStage};
use super::other_run::OtherRun;
use super::rerun_stage::RerunStage;
use super::run_end::RunEnd;
use crate::ledger::{CallOutcome, CallReservation};
use crate::records::{Annotation, BlobKey, Claimant, LogLevel, RunStart, Statement, StoredValue};
use crate::value::{CallId, Cost, Json, StageKey};

/// One thing that a decision writes. Its documentation defines its meaning in every store, events included.
#[derive(Clone, Debug)]
pub enum Change {
    /// Inserts the run: `PENDING`, version 1, generation 1. Event `workflow:created`.
    CreateRun(NewRun),
    /// Writes the tags of the run that the same decision creates. No event.
    Tag {
        /// The values by key, already checked.
        tags: BTreeMap<String, String>,
    },
    /// Removes the run that the same decision creates from those that programs have enqueued. No event.
    Dequeue,
    /// Sets the start and the deadline of the run that the same decision creates. A run with a start is not claimed; at
    /// that instant [`Timers::due_runs`](super::Timers::due_runs) returns it. A start that is not in the future counts as
    /// none. The deadline counts from the start, or from now without one. No event.
    SetTimes {
        /// When the run starts; `None` for at once.
        start: Option<RunStart>,
        /// The longest time of the run; `None` for no limit.
        deadline: Option<Duration>,
    },
    /// Writes the schedule that [`Precondition::Schedule`](super::Precondition::Schedule) names, at this instant. No event.
    MoveSchedule(Box<crate::records::ScheduleRecord>),
    /// Makes the run `RUNNING` and inserts its stages, `PENDING`. Moves the version. Event `workflow:started`.
    StartRun {
        /// Every stage of the workflow, in reading order.
        stages: Vec<NewStage>,
        /// The number of stages that make up the run's output. Their completion ends the run.
        waiting_on: u32,
    },
    /// Makes a stage `COMPLETED` that the same decision inserts, with the output of another run. It has no attempt and no
    /// event.
    TakeOver {
        /// The stage.
        stage_key: StageKey,
        /// The output.
        output: StoredValue,
    },
    /// Inserts the job of a stage that waits for no predecessor: `PENDING`, due now, epoch 0. With a claimant it then
    /// claims the job, as `Claim` does. For a stage that has begun it is a repair, because its job was lost: the epoch
    /// is then above every lease that the job can have had, and where the stage is `SUSPENDED`, so is the job.
    Enqueue {
        /// The stage.
        stage_key: StageKey,
        /// The number of attempts that the stage's retry policy allows.
        max_attempts: u32,
        /// The number of crashes after which the stage fails.
        max_crashes: u32,
        /// The worker that claims the job in the same commit.
        claim: Option<Claimant>,
    },
    /// Makes the job due after `delay` that the same decision has inserted for the stage, by `Enqueue` or `Release`, and
    /// that no change of it has claimed. Where the decision has inserted none, nothing changes. No event.
    Delay {
        /// The stage.
        stage_key: StageKey,
        /// The time until the job is due.
        delay: Duration,
    },
    /// Makes the stage's job `RUNNING` under a new lease: epoch and attempt grow by one. The stage becomes `RUNNING`
    /// with that attempt. Event `stage:started`. A `SUSPENDED` stage stays so, without an event: the claim is for a
    /// check.
    Claim {
        /// The stage.
        stage_key: StageKey,
        /// The worker that claims the job.
        claim: Claimant,
    },
    /// As `Claim`, for those of the stages whose jobs are `PENDING` and due, with an attempt left; in this order, and
    /// until the decision has claimed `room` jobs. The other stages do not change.
    ClaimQueued {
        /// The stages.
        stage_keys: Vec<StageKey>,
        /// The worker that claims the jobs.
        claim: Claimant,
        /// The most jobs that the decision claims, those of its other changes included.
        room: usize,
    },
    /// Makes the stage `COMPLETED`, clears its error and deletes its job. Event `stage:completed`.
    Complete {
        /// The stage.
        stage_key: StageKey,
        /// The stage's output.
        output: StoredValue,
        /// The time that the body ran.
        elapsed: Duration,
    },
    /// Notes the arm that the outcome of the stage chooses, before that outcome, whose event names it. No event.
    Choose {
        /// The matched stage.
        stage_key: StageKey,
        /// The number of the arm, from 0.
        arm: u32,
    },
    /// Turns the failure of a stage, which the same decision has written, into a value: the stage that ends the `catch`
    /// keeps it, and the failed stage's job is deleted. No event.
    Catch {
        /// The stage that keeps the failure.
        stage_key: StageKey,
        /// The stage that failed.
        failed: StageKey,
        /// The failure, a [`StageFailure`](crate::records::StageFailure).
        failure: Json,
    },
    /// Makes the stage `SKIPPED`, because another arm is taken, or because a stage before it failed in a `catch`. Event
    /// `stage:skipped`.
    Skip {
        /// The stage.
        stage_key: StageKey,
        /// The stage whose outcome has chosen the other arm, or that failed.
        because: String,
    },
    /// Makes the stage `SUSPENDED` until something outside is ready, and stores its ticket; its body never runs again.
    /// The job is `SUSPENDED` and due after `check_after`. The lease ends, and attempts and crashes count from zero: they are
    /// now those of the checks. Event `stage:suspended`; and `workflow:suspended` when no job of the run is `PENDING` or
    /// `RUNNING` any more.
    ///
    /// A stage that waits for a signal is due at once if one is in its queue.
    Suspend {
        /// The stage.
        stage_key: StageKey,
        /// The reference to the work of the remote service.
        ticket: StoredValue,
        /// The time until the first check.
        check_after: Duration,
        /// The time until the wait times out; one beyond the calendar is no limit.
        give_up_after: Duration,
        /// Whether the stage waits for a signal.
        awaits_signal: bool,
    },
    /// Puts a suspended stage back after a check that found nothing yet: the job is `SUSPENDED`, the lease ends,
    /// attempts and crashes count from zero. It is due after `check_after`, or at once if the stage was woken in the meantime. No
    /// event.
    Postpone {
        /// The stage.
        stage_key: StageKey,
        /// The time until the next check.
        check_after: Duration,
    },
    /// Makes the check of a suspended stage due now; while a check is running, another one follows it. No event.
    Wake {
        /// The stage.
        stage_key: StageKey,
    },
    /// Puts a signal at the end of the stage's queue, and wakes the stage as `Wake` does if it is suspended; otherwise its
    /// next wait finds the signal. The stage need not be stored yet. Event `stage:signalled`.
    ///
    /// If a suspended stage has a signal in its queue already, the store writes nothing of the decision,
    /// and the commit fails with the code `SIGNAL_TOO_LATE`; with `TOO_MANY_SIGNALS` if the queue has
    /// [`MAX_SIGNALS`](Self::MAX_SIGNALS) signals.
    Signal {
        /// The stage.
        stage_key: StageKey,
        /// The stage's name, for people.
        stage_name: String,
        /// The payload, already checked.
        payload: Json,
        /// Who sends it.
        actor: Option<String>,
    },
    /// Notes that the wait of the stage consumes the oldest signal of its queue, which has this number. No event.
    ConsumeSignal {
        /// The stage.
        stage_key: StageKey,
        /// The number of the signal.
        number: u64,
    },
    /// Notes that one predecessor of the stage has completed: the stage's counter of predecessors falls by one. At zero
    /// the stage becomes ready, as `Enqueue` does it, in the commit that brought the counter to zero.
    Release {
        /// The stage that waits.
        stage_key: StageKey,
        /// The number of attempts that the stage's retry policy allows.
        max_attempts: u32,
        /// The number of crashes after which the stage fails.
        max_crashes: u32,
        /// The worker that claims the job in the same commit, if the stage becomes ready.
        claim: Option<Claimant>,
    },
    /// Notes that one of the stages that make up the run's output has completed. At zero the run becomes `COMPLETED`
    /// with this output, its version moves, and it emits `workflow:completed` with the run's cost and output.
    ReleaseRun {
        /// The output, where one stage delivers it.
        output: Option<StoredValue>,
        /// Every stage that delivers a part of the output, in its order: for the event.
        stages: Vec<StageKey>,
    },
    /// Puts the stage back after an attempt that failed and will be retried: stage and job are `PENDING`, the lease
    /// ends, the job is due after `delay`. Event `stage:retrying`. For a `SUSPENDED` stage, the failed attempt was a
    /// check: stage and job are `SUSPENDED`.
    Retry {
        /// The stage.
        stage_key: StageKey,
        /// The reason.
        error: String,
        /// The time until the next attempt.
        delay: Duration,
    },
    /// Puts the stage back after an attempt whose worker was lost: stage and job are `PENDING`, due now, and the lease
    /// ends. The job's crashes grow by one, and so does the number of its last attempt: crashes have a limit of their own.
    /// Event `stage:retrying`. For a `SUSPENDED` stage, the attempt was a check: stage and job are `SUSPENDED`.
    RecordCrash {
        /// The stage.
        stage_key: StageKey,
        /// The reason.
        error: String,
    },
    /// Returns the job of a worker that stops, or that a port has failed: stage and job are `PENDING`, due now; the lease
    /// ends, and the attempt does not count. Event `stage:returned`. For a `SUSPENDED` stage, the attempt was a check:
    /// stage and job are `SUSPENDED`, without an event.
    ReturnJob {
        /// The stage.
        stage_key: StageKey,
        /// The reason, for people.
        reason: String,
    },
    /// Sets the error text of the stage, and nothing else: why an attempt ended that does not count. No event.
    NoteError {
        /// The stage.
        stage_key: StageKey,
        /// The reason.
        error: String,
    },
    /// Makes the stage `FAILED` and its job `DEAD`. Event `stage:failed`.
    Fail {
        /// The stage.
        stage_key: StageKey,
        /// The reason.
        error: String,
    },
    /// Makes the stage `CANCELLED` and deletes its job. Event `stage:cancelled`.
    Cancel {
        /// The stage.
        stage_key: StageKey,
    },
    /// Ends the run without an output. Moves the version. Event `workflow:failed` or `workflow:cancelled`.
    EndRun(RunEnd),
    /// Makes a terminal run `RUNNING` in its next generation, and clears its output, error and end. The named stages
    /// become `PENDING` as if they had never run, and their jobs and the blobs of their earlier generations are deleted;
    /// the other stages stay `COMPLETED`. Its deadline counts from now. Moves the version. Event `workflow:started`.
    Rerun {
        /// The stages that run again.
        stages: Vec<RerunStage>,
        /// The number of the stages that make up the run's output and run again.
        waiting_on: u32,
    },
    /// Corrects the run's counts of stages: a repair for jobs that were lost without being counted. Moves the version,
    /// so that one snapshot cannot lead to two repairs. No event.
    Recount {
        /// The number of stages that are ready or running.
        active: u32,
        /// The number of stages that wait for something outside.
        suspended: u32,
    },
    /// Writes another run in the same transaction: a child of this one, or its parent.
    OtherRun(OtherRun),
    /// Stores the result of a command that takes two commits. Its first commit has written the idempotency key.
    CompleteIdempotencyKey {
        /// The name of the command.
        command: &'static str,
        /// The caller's key.
        key: String,
        /// The result that a repeated command returns.
        result: Json,
    },
    /// Writes a blob to the store's own table.
    PutBlob {
        /// The key of the blob.
        key: BlobKey,
        /// The content.
        value: Json,
    },
    /// Writes a log line. No event.
    Log {
        /// The stage that the line is about. `None` for the run as a whole.
        stage_key: Option<StageKey>,
        /// The severity.
        level: LogLevel,
        /// The message.
        message: String,
        /// The fields, a JSON value.
        fields: Json,
    },
    /// Reports the progress of a stage. Event `stage:progress`.
    Progress {
        /// The stage.
        stage_key: StageKey,
        /// The completed part, `0.0..=1.0`.
        fraction: f64,
        /// The message.
        message: String,
    },
    /// Writes one annotation record for each attribute, with the run's generation and the stage's attempt. The stage
    /// need not be stored yet. Event `annotation:created` for each record, where the annotation requests it.
    Annotate {
        /// The stage that the annotation is about, or that makes it.
        stage_key: Option<StageKey>,
        /// The annotation.
        annotation: Annotation,
    },
    /// Writes an artifact of the stage in the stage's generation, and replaces the one with this key. No event.
    PutArtifact {
        /// The stage.
        stage_key: StageKey,
        /// The key, unique within the stage.
        key: String,
        /// The value.
        value: StoredValue,
    },
    /// Deletes an artifact of the stage, if it exists. No event.
    DeleteArtifact {
        /// The stage.
        stage_key: StageKey,
        /// The key, unique within the stage.
        key: String,
    },
    /// Writes metrics of the stage. Metrics with other names stay unchanged. No event.
    RecordMetrics {
        /// The stage.
        stage_key: StageKey,
        /// The values by name.
        metrics: BTreeMap<String, f64>,
    },
    /// Inserts a call of a model into the ledger before the call is made, under the stage's lease: `RESERVED`, with the
    /// most that it can cost reserved for stage and run. A call that exists already does not change. If the call costs
    /// something and the settled and reserved amounts would exceed what the run or the stage may spend, the store writes
    /// nothing of the decision, and the commit fails with the code `BUDGET_EXCEEDED`. No event.
    ///
    /// When the lease of a reserved call ends before the call does, through any change, the call becomes `UNKNOWN` and
    /// keeps its reservation. Every decision ensures this for the stages that it touches.
    ReserveCall {
        /// The stage.
        stage_key: StageKey,
        /// The id of the call.
        call_id: CallId,
        /// The call.
        call: Box<CallReservation>,
        /// The budget that the stage declares. `SetBudget` can raise it.
        budget: Option<Cost>,
    },
    /// Writes the outcome of a call of the stage: its cost is added to stage and run, and its reservation is released
    /// unless the outcome is `UNKNOWN`. A missing call does not change, nor does one that is neither `RESERVED` nor
    /// `UNKNOWN`; an `UNKNOWN` one may still be settled. No event.
    SettleCall {
        /// The stage.
        stage_key: StageKey,
        /// The id of the call.
        call_id: CallId,
        /// The outcome.
        end: Box<CallOutcome>,
    },
    /// Raises the budget of the run, or of one of its stages above the budget that it declares. A budget never falls.
    /// No event.
    SetBudget {
        /// The stage; `None` for the run.
        stage_key: Option<StageKey>,
        /// The budget for all generations together.
        budget: Cost,
    },
    /// Makes the stage wait for its budget after a call was refused: stage and job are as after `ReturnJob`, the attempt
    /// does not count, and the job is not due before `Resume`. If the call fits the budget by now, the job is due at
    /// once. Event `stage:retrying`.
    AwaitBudget {
        /// The stage.
        stage_key: StageKey,
        /// The reason, for people.
        error: String,
        /// The most that the refused call can cost.
        reserve: Cost,
        /// As in `ReserveCall`.
        budget: Option<Cost>,
    },
    /// Makes a stage that waits for its budget due now; any other stage does not change. No event.
    Resume {
        /// The stage.
        stage_key: StageKey,
    },
    /// Runs statements on the user's own tables, in this order, after everything else that the decision writes. The
    /// decision then has a transaction to itself. A refused statement rolls the transaction back, and the commit fails
    /// with the code `STATEMENT_FAILED`. No event.
    Execute {
        /// The stage that gives the statements.
        stage_key: StageKey,
        /// The statements, already checked.
        statements: Vec<Statement>,
    },
}
