//! Why a change does not fit the rows that it names.

use crate::error::{Error, SignalTooLate};
use crate::ports::Change;
use crate::value::{Cost, RunId, StageKey};

/// A change that does not fit the rows although the precondition of its decision holds: a defect of the code that made
/// the decision, except for `OverBudget`, `KeyIsTaken` and those about signals.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("it does not exist")]
    NoRun,
    #[error("it exists already")]
    RunExists,
    #[error("it has been started already")]
    RunIsStarted,
    #[error("it is not terminal")]
    RunIsNotTerminal,
    #[error("it is terminal")]
    RunIsTerminal,
    #[error("its stage `{0}` is terminal")]
    StageIsTerminal(StageKey),
    #[error("it has no stage `{0}`")]
    NoStage(StageKey),
    #[error("its stage `{0}` is not running")]
    StageIsNotRunning(StageKey),
    #[error("its stage `{0}` is not suspended")]
    StageIsNotSuspended(StageKey),
    #[error("none of its stages is ready or running")]
    NoActiveStage,
    #[error("none of its stages is suspended")]
    NoSuspendedStage,
    #[error("its stage `{0}` has no job")]
    NoJob(StageKey),
    #[error("its stage `{0}` has a job already")]
    JobExists(StageKey),
    #[error("its stage `{0}` has no predecessor left to wait for")]
    StageIsReleased(StageKey),
    #[error("it has no stage left to wait for")]
    RunIsReleased,
    /// The stage, or `None` for the run; what it has spent, what it has reserved, what the call needs, and the limit.
    #[error("its budget is exceeded")]
    OverBudget(Option<StageKey>, [Cost; 4]),
    /// The stage, and who has sent its signal.
    #[error("its stage `{0}` has its signal already")]
    StageIsAnswered(StageKey, Option<String>),
    #[error("its stage `{0}` has too many signals")]
    TooManySignals(StageKey),
    #[error("signal {1} of its stage `{0}` is not the next one")]
    SignalIsNotNext(StageKey, u64),
    /// The idempotency key of a child.
    #[error("the idempotency key `{0}` is taken")]
    KeyIsTaken(String),
    #[error("its idempotency key `{0}` does not exist")]
    NoKey(String),
}

/// A mismatch with the run that it is about.
#[derive(Debug, thiserror::Error)]
#[error("run {run_id} does not allow it: {mismatch}")]
struct InvalidDecision {
    run_id: RunId,
    mismatch: Mismatch,
}

impl Mismatch {
    pub(super) fn into_error(self, run_id: RunId) -> Error {
        match self {
            Self::OverBudget(stage, amounts) => Error::budget_exceeded(run_id, stage.as_ref(), amounts),
            Self::StageIsAnswered(stage, first) => {
                Error::signal_too_late(run_id, &stage, SignalTooLate::Answered(first.as_deref()))
            }
            Self::KeyIsTaken(key) => Error::child_key_taken(&key),
            Self::TooManySignals(stage) => Error::too_many_signals(run_id, &stage, Change::MAX_SIGNALS),
            mismatch => Error::store_failed("commit a decision", InvalidDecision { run_id, mismatch }),
        }
    }
}
