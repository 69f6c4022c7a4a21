//! The one error of the public API: opaque, with predicates and a stable code.

mod causes;
mod ledger;
#[cfg(feature = "ai")]
mod memory_ledger;

use std::error::Error as StdError;
use std::fmt;

/// Why a call to the engine did not do what it was asked.
///
/// Ask the predicates what to do about it; [`Error::code`] is stable text for logs and for other programs.
/// The failure of a *stage* is not one of these until somebody asks for the output of its run.
///
/// ```
/// use workflow_engine::RunId;
///
/// let error = "nonsense".parse::<RunId>().unwrap_err();
/// assert!(error.is_invalid_input());
/// assert_eq!(error.code(), "INVALID_RUN_ID");
/// assert_eq!(error.to_string(), "`nonsense` is not a run id: expected a UUID");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    code: &'static str,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NotFound,
    Conflict,
    InvalidInput,
    RunFailed,
    CancelRunOutput,
    Unavailable,
    Internal,
}

impl Error {
    /// A stable name for the cause, in capitals: `WORKFLOW_NOT_FOUND`, `IDEMPOTENCY_CONFLICT`, …
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.0.code
    }

    /// What was named does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.kind == Kind::NotFound
    }

    /// The state of things forbids it: a key used for another request, a lease lost to somebody else.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.kind == Kind::Conflict
    }

    /// The caller's input is wrong and will be wrong again.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == Kind::InvalidInput
    }

    /// The run ended without an output: one of its stages failed for good.
    #[must_use]
    pub fn is_run_failed(&self) -> bool {
        self.0.kind == Kind::RunFailed
    }

    /// The run ended without an output: it was cancelled.
    #[must_use]
    pub fn is_run_cancelled(&self) -> bool {
        self.0.kind == Kind::CancelRunOutput
    }

    /// The same call may succeed later: the database was busy or away, or the engine is shutting down.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.kind == Kind::Unavailable
    }

    fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, code, message: message.into(), source: None }))
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
