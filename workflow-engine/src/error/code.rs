//! Every error code: its stable name, when it occurs, and what to do.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a code says about the call that failed; the predicates of [`Error`](super::Error) are derived from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NotFound,
    Conflict,
    InvalidInput,
    RunFailed,
    RunCancelled,
    Unavailable,
    Internal,
}

/// One table for the enum, its names, its documentation and the page `docs/error-codes.md`.
macro_rules! error_codes {
    ($($code:ident $name:literal $kind:ident $when:literal $what_to_do:literal;)*) => {
        /// The stable code of an [`Error`](crate::Error), and of a run that failed.
        ///
        /// Its text ([`ErrorCode::as_str`]) is in logs, in stored runs and in the responses of an API, and does not
        /// change between versions. New versions may add codes.
        ///
        /// ```
        /// use workflow_engine::{ErrorCode, RunId};
        ///
        /// let error = "nonsense".parse::<RunId>().unwrap_err();
        /// assert_eq!(error.code(), ErrorCode::InvalidRunId);
        /// assert_eq!(error.code().as_str(), "INVALID_RUN_ID");
        /// assert!(!error.code().is_retryable());
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(
                #[doc = concat!("`", $name, "`: ", $when)]
                #[doc = ""]
                #[doc = $what_to_do]
                $code,
            )*
        }

        impl ErrorCode {
            /// Every code, in the order of their documentation.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// The stable text, in capitals: `RUN_NOT_FOUND`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// When the code occurs: one sentence.
            #[must_use]
            pub const fn when(self) -> &'static str {
                match self {
                    $(Self::$code => $when,)*
                }
            }

            /// What to do about it: one or two sentences.
            #[must_use]
            pub const fn what_to_do(self) -> &'static str {
                match self {
                    $(Self::$code => $what_to_do,)*
                }
            }

            pub(super) const fn kind(self) -> Kind {
                match self {
                    $(Self::$code => Kind::$kind,)*
                }
            }
        }
    };
}

error_codes! {
    InvalidRunId "INVALID_RUN_ID" InvalidInput
        "A text is not a run id."
        "Pass the UUID that `RunHandle::id` returned.";
    InvalidCost "INVALID_COST" InvalidInput
        "A text is not an amount of money."
        "Write it like `0.50 USD`: no sign, no exponent, at most twelve decimals.";
    InvalidInput "INVALID_INPUT" InvalidInput
        "The input of a run does not match the workflow's input type: an unknown or missing field, a value of the wrong type, or one that breaks a rule."
        "Correct the field that the message names.";
    InvalidConfig "INVALID_CONFIG" InvalidInput
        "The configuration of a run names an unknown stage or field, has a value of the wrong type, or breaks a rule."
        "Correct the field that the message names.";
    InvalidRequest "INVALID_REQUEST" InvalidInput
        "A command is malformed: a missing, unknown or ill-typed field, or a value out of range."
        "Correct the command as the message says.";
    InvalidSetting "INVALID_SETTING" InvalidInput
        "A setting of the engine, of a host or of a store is out of its range."
        "Choose a value in the range that the message names.";
    InvalidAnnotation "INVALID_ANNOTATION" InvalidInput
        "An annotation has no attribute, too many of them, or a key or value that cannot be stored."
        "Shorten or rename what the message names.";
    InvalidSignal "INVALID_SIGNAL" InvalidInput
        "The payload of a signal does not match the type that its stage waits for, or cannot be stored."
        "Correct the field that the message names; the stage's `signal_schema` describes the payload.";
    NotASignalStage "NOT_A_SIGNAL_STAGE" InvalidInput
        "A signal was sent to a stage that does not wait for one."
        "Send it to a stage with the option `signal`.";
    ChildTooDeep "CHILD_TOO_DEEP" InvalidInput
        "A stage starts a run that would have more than 8 runs above it."
        "Start it from a run higher up, or repeat the work in one run.";
    InvalidSchedule "INVALID_SCHEDULE" InvalidInput
        "A schedule has a cron pattern or a time zone that cannot be read, both a pattern and a period, or a value out of its range."
        "Correct what the message names.";
    ScheduleNeverFires "SCHEDULE_NEVER_FIRES" InvalidInput
        "The cron pattern of a schedule has no instant that is still to come, as `0 0 31 2 *`, or a year that has passed."
        "Correct the pattern that the message names.";
    InvalidTag "INVALID_TAG" InvalidInput
        "A run has too many tags, one key twice, or a key or value that cannot be stored."
        "Use at most 16 tags with keys of 64 bytes and values of 256 bytes, without control characters.";
    InvalidTopic "INVALID_TOPIC" InvalidInput
        "The topic of a model call is not a dotted path of non-empty segments, or is too long."
        "Use segments joined by `.`, 512 bytes at most, without control characters.";
    InvalidBlobKey "INVALID_BLOB_KEY" InvalidInput
        "A blob store was asked for a key that the engine does not create."
        "Pass keys through unchanged.";
    InvalidFingerprint "INVALID_FINGERPRINT" InvalidInput
        "`register_compatible` was given a text that is not a fingerprint."
        "Copy the 64 hexadecimal digits from the workflow's lock file.";
    InvalidConfigRule "INVALID_CONFIG_RULE" InvalidInput
        "A `range`, `length` or `pattern` rule of an input or of a stage's configuration cannot be applied."
        "Correct the rule at the field that the message names.";
    InvalidStageId "INVALID_STAGE_ID" InvalidInput
        "A stage's id contains `[` or `]`, which stand for one of several places of a stage: `embed[17]`."
        "Give the stage another id.";
    ConfigFieldClash "CONFIG_FIELD_CLASH" InvalidInput
        "Two fields of one stage's configuration share a key, usually through flattened structures."
        "Rename one field, or flatten only one of the structures.";
    MissingState "MISSING_STATE" InvalidInput
        "A registered workflow has a stage that takes `#[state]` of a type of which the engine has no value."
        "Give the engine the value that the message names: `EngineBuilder::state`.";
    DuplicateState "DUPLICATE_STATE" InvalidInput
        "An engine was given two values of one type as state."
        "Wrap one of them in a type of its own.";
    PayloadTooLarge "PAYLOAD_TOO_LARGE" InvalidInput
        "An input, configuration, output, ticket or artifact exceeds the payload limit."
        "Store the data elsewhere and pass a reference, or raise `EngineBuilder::payload_limit`.";
    PayloadTooDeep "PAYLOAD_TOO_DEEP" InvalidInput
        "A JSON value is nested deeper than 127 levels."
        "Flatten the value.";
    PayloadUnreadable "PAYLOAD_UNREADABLE" InvalidInput
        "A value could not be written as JSON or read back: a lone surrogate, a number beyond every Rust type, a map whose keys are not texts."
        "Correct the value at the place that the message names.";
    PayloadChanged "PAYLOAD_CHANGED" InvalidInput
        "A value would be read back from its JSON as another value: `NaN`, `Some(None)`, an untagged enum whose variants look alike."
        "Change the type of what the message names, so that JSON distinguishes its values.";
    TextNotEncodable "TEXT_NOT_ENCODABLE" InvalidInput
        "A text has a character that the encoding of the PostgreSQL database cannot hold."
        "Use a database with the encoding `UTF8`, or replace the character.";
    UnsupportedStore "UNSUPPORTED_STORE" InvalidInput
        "A store location is not valid, or needs a Cargo feature that is off."
        "Use `sqlite://path`, a file path, `postgres://…` or `memory:`, and enable the feature that the message names.";
    WorkflowMismatch "WORKFLOW_MISMATCH" InvalidInput
        "A run was opened as a run of another workflow, or of another version of its workflow."
        "Use the type of the workflow and version that the message names.";
    StatementsUnsupported "STATEMENTS_UNSUPPORTED" InvalidInput
        "A stage gave SQL statements to a store without tables."
        "Use SQLite or PostgreSQL; `TestEngine` records statements instead.";
    RunNotFound "RUN_NOT_FOUND" NotFound
        "No run has this id in this store."
        "Check the id and the store; the run may have been purged by retention.";
    StageNotFound "STAGE_NOT_FOUND" NotFound
        "The run's workflow has no stage with this id."
        "Use the stage's id, in kebab case.";
    ScheduleNotFound "SCHEDULE_NOT_FOUND" NotFound
        "No schedule has this id in this store."
        "Check the id and the store; the schedule may have been deleted.";
    WorkflowNotFound "WORKFLOW_NOT_FOUND" NotFound
        "This process has not registered the workflow, this version of it, or this definition."
        "Register it, or start a process that has it: the run waits.";
    DuplicateWorkflow "DUPLICATE_WORKFLOW" Conflict
        "Two registered workflows share an id and a version."
        "Give one of them another `id` or `version` with `#[workflow(…)]`.";
    DuplicatePlugin "DUPLICATE_PLUGIN" Conflict
        "Two plugins share a name."
        "Rename one of them.";
    SubscriptionOutdated "SUBSCRIPTION_OUTDATED" Conflict
        "Events wait for a plugin (or the sink) that the store has with event types that this process lacks, or not at all."
        "Deliver them from a process of the version that registered last; or restart this one, which registers it again.";
    DefinitionMismatch "DEFINITION_MISMATCH" Conflict
        "The run was created with another definition of its workflow than this process has."
        "Deploy the old definition beside the new one, or declare the new one compatible with `register_compatible`.";
    IdempotencyConflict "IDEMPOTENCY_CONFLICT" Conflict
        "An idempotency key was used before for another request."
        "Use a new key for a new request.";
    IdempotencyInProgress "IDEMPOTENCY_IN_PROGRESS" Conflict
        "The request with this idempotency key is still being executed."
        "Repeat the call later.";
    LeaseLost "LEASE_LOST" Conflict
        "The worker no longer holds the stage's lease; its result was dropped."
        "Nothing: another worker has the stage, or the run has ended.";
    SchemaOutdated "SCHEMA_OUTDATED" Conflict
        "A store was opened without migrating it, and its tables are missing or older than this version of the engine."
        "Migrate it: open the store with `migrate` on, or run `wfe migrate`.";
    RunNotTerminal "RUN_NOT_TERMINAL" Conflict
        "A rerun was requested for a run that has not ended."
        "Wait for the run to end, or cancel it first.";
    RunNeverStarted "RUN_NEVER_STARTED" Conflict
        "A rerun was requested for a run that ended before it started."
        "Start a new run.";
    AncestorNotCompleted "ANCESTOR_NOT_COMPLETED" Conflict
        "A rerun was requested from a stage whose predecessor has not completed."
        "Rerun from the predecessor that the message names.";
    StageSkipped "STAGE_SKIPPED" Conflict
        "A rerun was requested from a stage that was skipped: another arm was taken, or a stage before it failed in a `catch`."
        "Rerun from the stage that the message names.";
    RunOver "RUN_OVER" Conflict
        "A signal was sent to a run that has ended without one."
        "Nothing, or rerun the run and send the signal again.";
    SignalTooLate "SIGNAL_TOO_LATE" Conflict
        "A signal was sent to a stage that has received its signal, or no longer waits: it has completed, failed, timed out or was skipped."
        "Nothing: the message names who was first, or what has happened. A rerun of the stage asks again.";
    TooManySignals "TOO_MANY_SIGNALS" Conflict
        "A stage that does not wait yet has 1,000 signals in its queue."
        "Look for a sender that repeats signals; give each an idempotency key.";
    StatementFailed "STATEMENT_FAILED" Conflict
        "The database refused a statement that a stage gave to its transaction."
        "Correct the statement; the stage's commit was rolled back.";
    StatementConflict "STATEMENT_CONFLICT" Conflict
        "A statement that a stage gave to its transaction violates a constraint of the database."
        "Check the row that exists already, or is missing; the stage's commit was rolled back.";
    StatementUnmet "STATEMENT_UNMET" Conflict
        "A statement that a stage gave to its transaction changed another number of rows than it expects."
        "Look for the row that the statement should change; the stage's commit was rolled back.";
    BudgetExceeded "BUDGET_EXCEEDED" Conflict
        "A model call could cost more than the budget of its run or stage allows."
        "Raise the budget with `RunHandle::raise_budget`, or lower what the call may cost.";
    BudgetTooLow "BUDGET_TOO_LOW" Conflict
        "A budget was raised to less than it already is, or there is none to raise."
        "Pass a higher amount.";
    NotDue "NOT_DUE" Conflict
        "A run is to start later, or a stage of it waits for the end of a `delay`."
        "Wait for the instant that the message names.";
    RunFailed "RUN_FAILED" RunFailed
        "The output of a run was requested, and the run has failed."
        "Read the message, `RunHandle::record` and the stages' errors; rerun from the failed stage.";
    RunCancelled "RUN_CANCELLED" RunCancelled
        "The output of a run was requested, and the run was cancelled."
        "Rerun it, or start another run.";
    StageFailed "STAGE_FAILED" RunFailed
        "A stage failed permanently, or failed in its last attempt."
        "Fix the cause in the stage's error, then rerun from that stage.";
    WorkerLost "WORKER_LOST" RunFailed
        "The worker disappeared during `max_crashes` attempts of a stage: it crashed, was killed, or could not renew its lease."
        "Look for a crash or an out-of-memory kill of the workers; then rerun.";
    WaitTimedOut "WAIT_TIMED_OUT" RunFailed
        "A waiting stage was not ready within `give_up_after`."
        "Check the remote service; raise `give_up_after`, or rerun.";
    ChildCancelled "CHILD_CANCELLED" RunFailed
        "A workflow that is a step of another one was cancelled, so the step has failed."
        "Rerun the parent from this step, which starts a new child.";
    DeadlineExceeded "DEADLINE_EXCEEDED" RunFailed
        "A run had not ended at its deadline."
        "Look for the stage that took long; rerun, which begins a new time, or start with a longer deadline.";
    StuckRunReaped "STUCK_RUN_REAPED" RunFailed
        "A run made no progress, and no repair could move it."
        "Report it: no commit of the engine leaves such a run behind.";
    EmptyStageGraph "EMPTY_STAGE_GRAPH" RunFailed
        "A run's workflow has no stage that could start."
        "Check the workflow's definition.";
    ClaimFailed "CLAIM_FAILED" RunFailed
        "A run could not be started by its claimant."
        "Read the run's message; rerun after fixing the cause.";
    StoreUnavailable "STORE_UNAVAILABLE" Unavailable
        "The database did not respond, was busy, or the store is closed."
        "Repeat the call; check the database.";
    StoreLocked "STORE_LOCKED" Unavailable
        "Another process has held the write lock of the SQLite file for longer than `SqliteOptions::busy_timeout`; nothing was written."
        "Repeat the call; look for a process that is suspended, or that keeps a transaction open.";
    DescriptorsExhausted "DESCRIPTORS_EXHAUSTED" Unavailable
        "The process has too few free file descriptors."
        "Raise the limit (`ulimit -n`, `LimitNOFILE=`), or look for what leaves files or connections open.";
    BlobStoreFailed "BLOB_STORE_FAILED" Unavailable
        "The blob store failed to read, write or delete a payload."
        "Repeat the call; check the blob store.";
    SchedulerFailed "SCHEDULER_FAILED" Unavailable
        "The `Scheduler` could not be told when work is due."
        "Check the scheduler; the regular maintenance tick still finds the work.";
    ShuttingDown "SHUTTING_DOWN" Unavailable
        "The engine is shutting down."
        "Wait for the run in another process: it continues there.";
    RuntimeGone "RUNTIME_GONE" Unavailable
        "The tokio runtime on which the engine was built was shut down, and the caller is on no other one."
        "Keep the runtime for as long as the engine, or make the call within another runtime: the worker continues there.";
    WorkerNotStarted "WORKER_NOT_STARTED" Unavailable
        "The system refused a thread or a signal handler."
        "Check the limits of the process.";
    StateFailed "STATE_FAILED" Internal
        "A function of `EngineBuilder::state_with` returned an error, so the engine was not built."
        "Read the message: it holds the error of the function.";
    StoreFailed "STORE_FAILED" Internal
        "The database returned an error that a repetition will not fix, or holds another schema."
        "Read the message: a newer schema version, or a damaged file.";
    MissingPrivilege "MISSING_PRIVILEGE" Internal
        "The role of the PostgreSQL database lacks a right."
        "Let an owner run the command in the message.";
    StoreFileReplaced "STORE_FILE_REPLACED" Internal
        "The SQLite file was removed, moved or replaced while the engine had it open, so commits do not last."
        "Stop every process that has the old file open, put the right file in place, and start them again.";
    StoredValueCorrupt "STORED_VALUE_CORRUPT" Internal
        "A stored value cannot be decoded as its type."
        "Check whether the type changed without a new definition, or whether the row was edited.";
    BlobMissing "BLOB_MISSING" Internal
        "A payload is missing from the blob store."
        "Check that every process uses the same blob store, and that nothing else deletes from it.";
    BlobDamaged "BLOB_DAMAGED" Internal
        "A payload of the blob store does not match its checksum."
        "Restore the file; the run cannot continue without it.";
    RunIdTaken "RUN_ID_TAKEN" Internal
        "A new run's id exists already."
        "Repeat the call.";
    InvocationAborted "INVOCATION_ABORTED" Internal
        "The runtime ended a serverless invocation before it finished."
        "Nothing: its claims are released when their leases expire.";
}

impl ErrorCode {
    /// Whether the same call may succeed later without a change.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self.kind(), Kind::Unavailable)
    }

    /// The code with this text; `None` for a text that this version does not know.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// As its text.
impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
