//! The error of the public API: opaque, with predicates and a stable code.

mod code;
mod json;
mod causes;
mod definitions;
mod stores;
pub(crate) mod descriptors;
mod ledger;
mod signals;
mod children;
mod subscribers;
mod times;
#[cfg(feature = "schedules")]
mod schedules;
mod state;
mod redact;

use std::error::Error as StdError;
use std::fmt;

pub use code::ErrorCode;

pub(crate) use signals::SignalTooLate;
pub(crate) use state::MissingState;
pub(crate) use times::shown;

#[cfg(feature = "postgres")]
pub(crate) use redact::redacted_text;
pub(crate) use redact::{redacted, without_url_passwords};

use code::Kind;

/// The error of every call to the engine.
///
/// The predicates tell how to react; [`Error::code`] is stable, for logs and for other programs; the message names the
/// ids involved. A stage that fails is not an `Error` by itself: [`RunHandle::output`](crate::RunHandle::output) returns
/// one when its run has failed.
///
/// ```
/// use workflow_engine::{ErrorCode, RunId};
///
/// let error = "nonsense".parse::<RunId>().unwrap_err();
/// assert!(error.is_invalid_input());
/// assert_eq!(error.code(), ErrorCode::InvalidRunId);
/// assert_eq!(error.to_string(), "`nonsense` is not a run id: expected a UUID");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// For a statement of a stage: no further attempt follows.
    is_final: bool,
}

impl Error {
    /// The code of the cause; its text is stable.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The run, stage or workflow does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.code.kind() == Kind::NotFound
    }

    /// The current state does not allow the call: an idempotency key was used for another request, or a lease was lost
    /// to another worker.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.code.kind() == Kind::Conflict
    }

    /// The caller's input is invalid: the same call fails again.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        self.0.code.kind() == Kind::InvalidInput
    }

    /// The run has no output because one of its stages failed permanently.
    #[must_use]
    pub fn is_run_failed(&self) -> bool {
        self.0.code.kind() == Kind::RunFailed
    }

    /// The run has no output because it was cancelled.
    #[must_use]
    pub fn is_run_cancelled(&self) -> bool {
        self.0.code.kind() == Kind::RunCancelled
    }

    /// The same call may succeed later: the database was busy or unavailable, or the engine is shutting down.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.code.kind() == Kind::Unavailable
    }

    /// Returns whether the stage asked not to be tried again after this error of one of its statements.
    pub(crate) fn is_final(&self) -> bool {
        self.0.is_final
    }

    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, message: message.into(), source: None, is_final: false }))
    }

    fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
