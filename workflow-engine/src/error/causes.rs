//! One constructor for each cause, so that every text and code is in one place.

use std::error::Error as StdError;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::descriptors::is_shortage;
use super::{Error, ErrorCode, redacted};

impl Error {
    pub(crate) fn invalid_run_id(text: &str) -> Self {
        // The text is the caller's input: show enough to recognize it, and no more.
        let shown: String = text.chars().take(64).collect();
        Self::new(ErrorCode::InvalidRunId, format!("`{shown}` is not a run id: expected a UUID"))
    }

    pub(crate) fn invalid_cost(text: &str) -> Self {
        let shown: String = text.chars().take(64).collect();
        Self::new(
            ErrorCode::InvalidCost,
            format!("`{shown}` is not an amount of money: expected one like `0.50 USD`"),
        )
    }

    pub(crate) fn run_not_found(run: impl fmt::Display) -> Self {
        Self::new(ErrorCode::RunNotFound, format!("run {run} does not exist"))
    }

    pub(crate) fn run_id_taken(run: impl fmt::Display) -> Self {
        Self::new(ErrorCode::RunIdTaken, format!("run {run} exists already"))
    }

    pub(crate) fn invocation_aborted(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(
            ErrorCode::InvocationAborted,
            "the runtime ended the invocation; its jobs return to the queue",
        )
        .because(cause)
    }

    pub(crate) fn scheduler(source: Box<dyn StdError + Send + Sync>) -> Self {
        let message = format!("the next invocation could not be scheduled: {source}");
        Self::new(ErrorCode::SchedulerFailed, message).because(source)
    }

    pub(crate) fn blob_missing(run: impl fmt::Display, key: &str) -> Self {
        Self::new(ErrorCode::BlobMissing, format!("run {run}: blob `{key}` is missing"))
    }

    pub(crate) fn stage_not_found(run: impl fmt::Display, stage: impl fmt::Display) -> Self {
        let message = format!("run {run} has no stage `{}`", shown(&stage.to_string()));
        Self::new(ErrorCode::StageNotFound, message)
    }

    /// The error of your own [`BlobStore`](crate::ports::BlobStore): `BLOB_STORE_FAILED`, which is retryable.
    pub fn blob_store(doing: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::new(ErrorCode::BlobStoreFailed, format!("cannot {doing}: {source}")).because(source)
    }

    pub(crate) fn invalid_blob_key(key: &str) -> Self {
        Self::new(
            ErrorCode::InvalidBlobKey,
            format!("`{key}` is not a blob key: expected segments separated by `/`"),
        )
    }

    pub(crate) fn blob_damaged(key: &str) -> Self {
        Self::new(
            ErrorCode::BlobDamaged,
            format!("blob `{key}` is damaged: its content does not match its hash"),
        )
    }

    pub(crate) fn invalid_stage_id(workflow: &str, stage: &str) -> Self {
        let message = format!(
            "the id `{stage}` of a stage of workflow `{workflow}` contains `[` or `]`, which stand for a place of a stage"
        );
        Self::new(ErrorCode::InvalidStageId, message)
    }

    pub(crate) fn config_field_clash(workflow: &str, stage: &str, field: &str) -> Self {
        Self::new(
            ErrorCode::ConfigFieldClash,
            format!(
                "workflow `{workflow}`, stage `{stage}`: two fields of its configuration are named `{field}`; rename one, or flatten only one of them"
            ),
        )
    }

    pub(crate) fn invalid_config_rule(workflow: &str, stage: &str, reason: &str) -> Self {
        let message = format!("workflow `{workflow}`, stage `{stage}`: {reason}");
        Self::new(ErrorCode::InvalidConfigRule, message)
    }

    pub(crate) fn invalid_input_rule(workflow: &str, stage: Option<&str>, reason: &str) -> Self {
        let of = stage.map(|stage| format!(" of stage `{stage}`")).unwrap_or_default();
        let message = format!("workflow `{workflow}`, the input{of}: {reason}");
        Self::new(ErrorCode::InvalidConfigRule, message)
    }

    pub(crate) fn invalid_input(workflow: &str, reason: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::InvalidInput,
            format!("the input of workflow `{workflow}` is not valid: {reason}"),
        )
    }

    pub(crate) fn invalid_config(workflow: &str, reason: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::InvalidConfig,
            format!("the configuration of workflow `{workflow}` is not valid: {reason}"),
        )
    }

    pub(crate) fn unstorable(what: &str, workflow: &str, code: ErrorCode, fault: impl fmt::Display) -> Self {
        Self::new(code, format!("the {what} of a run of workflow `{workflow}` cannot be stored: {fault}"))
    }

    pub(crate) fn invalid_request(reason: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, reason)
    }

    pub(crate) fn invalid_setting<T: fmt::Debug>(name: &str, value: &T, range: &RangeInclusive<T>) -> Self {
        let permitted = format!("from {:?} to {:?}", range.start(), range.end());
        Self::new(
            ErrorCode::InvalidSetting,
            format!("the setting `{name}` is {value:?}, but must be {permitted}"),
        )
    }

    pub(crate) fn invalid_setting_text(name: &str, value: &str, permitted: &str) -> Self {
        Self::new(
            ErrorCode::InvalidSetting,
            format!("the setting `{name}` is `{value}`, but must have {permitted}"),
        )
    }

    pub(crate) fn request_too_deep(command: &str) -> Self {
        let message = format!("the request of `{command}` nests arrays and objects too deeply");
        Self::new(ErrorCode::PayloadTooDeep, message)
    }

    pub(crate) fn invalid_annotation(reason: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidAnnotation, format!("the annotation cannot be stored: {reason}"))
    }

    pub(crate) fn invalid_tag(reason: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidTag, format!("the run cannot be tagged: {reason}"))
    }

    pub(crate) fn unknown_command(name: &str, known: &[&str]) -> Self {
        let shown: String = name.chars().take(64).collect();
        Self::invalid_request(format!("unknown command `{shown}`; the commands are `{}`", known.join("`, `")))
    }

    pub(crate) fn idempotency_conflict(key: &str, command: &str) -> Self {
        Self::new(
            ErrorCode::IdempotencyConflict,
            format!("idempotency key `{key}` of `{command}` was used for another request"),
        )
    }

    pub(crate) fn idempotency_in_progress(key: &str, command: &str) -> Self {
        Self::new(
            ErrorCode::IdempotencyInProgress,
            format!("`{command}` with idempotency key `{key}` is still in progress; try again later"),
        )
    }

    pub(crate) fn stored_answer(key: &str, command: &str, source: serde_json::Error) -> Self {
        Self::new(
            ErrorCode::StoredValueCorrupt,
            format!(
                "the stored result of idempotency key `{key}` of `{command}` cannot be decoded: {source}"
            ),
        )
        .because(source)
    }

    pub(crate) fn run_not_terminal(run: impl fmt::Display, status: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::RunNotTerminal,
            format!("run {run} is {status}: only a run that has ended can be rerun"),
        )
    }

    pub(crate) fn run_never_started(run: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::RunNeverStarted,
            format!("run {run} was never started: there is nothing to rerun"),
        )
    }

    pub(crate) fn ancestor_not_completed(run: impl fmt::Display, stage: &str, ancestor: &str) -> Self {
        Self::new(
            ErrorCode::AncestorNotCompleted,
            format!(
                "run {run} cannot be rerun from `{stage}`: its predecessor `{ancestor}` has not completed; rerun from there"
            ),
        )
    }

    pub(crate) fn stage_skipped(run: impl fmt::Display, stage: &str, choice: &str) -> Self {
        Self::new(
            ErrorCode::StageSkipped,
            format!(
                "run {run} cannot be rerun from `{stage}`: it was skipped because of the outcome of `{choice}`; rerun from `{choice}`"
            ),
        )
    }

    pub(crate) fn lease_lost(run: impl fmt::Display, stage: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::LeaseLost,
            format!("the lease on stage `{stage}` of run {run} is lost; its result is dropped"),
        )
    }

    pub(crate) fn run_failed(run: impl fmt::Display, message: &str) -> Self {
        Self::new(ErrorCode::RunFailed, format!("run {run} failed: {message}"))
    }

    pub(crate) fn run_cancelled(run: impl fmt::Display, reason: Option<&str>) -> Self {
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        Self::new(ErrorCode::RunCancelled, format!("run {run} was cancelled{reason}"))
    }

    pub(crate) fn stored_value(
        run: impl fmt::Display,
        what: impl fmt::Display,
        source: serde_json::Error,
    ) -> Self {
        Self::new(ErrorCode::StoredValueCorrupt, format!("run {run}: {what} cannot be decoded: {source}"))
            .because(source)
    }

    pub(crate) fn shutting_down() -> Self {
        Self::new(ErrorCode::ShuttingDown, "the engine is shutting down")
    }

    pub(crate) fn runtime_gone() -> Self {
        Self::new(
            ErrorCode::RuntimeGone,
            "the tokio runtime on which the engine was built was shut down; make the call within another one",
        )
    }

    pub(crate) fn no_runtime(source: tokio::runtime::TryCurrentError) -> Self {
        Self::new(ErrorCode::WorkerNotStarted, format!("the worker cannot start: {source}")).because(source)
    }

    pub(crate) fn worker_not_started(source: std::io::Error) -> Self {
        if is_shortage(&source) {
            return Self::descriptors_exhausted("start the worker", source);
        }
        Self::new(ErrorCode::WorkerNotStarted, format!("the worker cannot start: {source}")).because(source)
    }

    /// The message shows the location without a password.
    pub(crate) fn unsupported_url(url: &str, reason: &str) -> Self {
        Self::new(ErrorCode::UnsupportedStore, format!("cannot open `{}`: {reason}", redacted(url)))
    }

    /// The database refused a statement that the user's stage gave to its transaction.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "only the SQL stores run statements")
    )]
    pub(crate) fn statement_refused(
        code: ErrorCode,
        is_final: bool,
        which: &str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let message = match code {
            ErrorCode::StatementUnmet => format!("{which} {source}"),
            _ => format!("{which} was refused by the database: {source}"),
        };
        let mut error = Self::new(code, message).because(source);
        error.0.is_final = is_final;
        error
    }

    /// A statement of the user has waited for locks for as long as the store allows.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL locks rows"))]
    pub(crate) fn statement_blocked(
        which: &str,
        waited: Duration,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let message = format!(
            "{which} waited {waited:?} for locks of other sessions, the limit `statement_lock_wait`: {source}"
        );
        Self::new(ErrorCode::StatementFailed, message).because(source)
    }

    pub(crate) fn statements_unsupported() -> Self {
        let message = "statements need SQLite or PostgreSQL: the in-memory store has no tables";
        Self::new(ErrorCode::StatementsUnsupported, message)
    }

    /// The store did not respond, or responded with an error that a retry may resolve.
    pub(crate) fn store_unavailable(doing: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::new(ErrorCode::StoreUnavailable, format!("cannot {doing}: {source}")).because(source)
    }

    /// The store responded with something that a retry will not resolve.
    pub(crate) fn store_failed(doing: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::new(ErrorCode::StoreFailed, format!("cannot {doing}: {source}")).because(source)
    }
}

/// Enough of the caller's input to recognize it, and no more.
pub(super) fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}
