//! The error of a call to a language model, and what it means for a retry.
//!
//! It is defined here, below `context`, because a `StageError` reads from it whether the stage is retried.

use std::fmt;
use std::time::Duration;

use super::usage::Usage;

/// The kind of a failed call, which decides whether the call is retried.
///
/// An [`AiSession`](crate::ai::AiSession) retries [`RateLimited`](Self::RateLimited),
/// [`Overloaded`](Self::Overloaded) and [`Connection`](Self::Connection) itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AiErrorKind {
    /// HTTP 429: too many requests or tokens in a short time. Retried, after the delay that the provider requests.
    RateLimited,
    /// HTTP 500, 502, 503, 504 or 529: the provider cannot serve the request now. Retried.
    Overloaded,
    /// The connection failed or was cut. Retried, although the provider may have served the first request.
    Connection,
    /// No response arrived within the timeout. The provider may have served the request.
    Timeout,
    /// The provider or the model declined to answer.
    Refused,
    /// The request is wrong and will be wrong again.
    InvalidRequest,
    /// The prompt and the response together exceed the model's context.
    ContextTooLong,
    /// HTTP 401, 402 or 403: the key is missing, wrong or lacks a permission, or the account's credit is used up.
    Authentication,
    /// The response violates the wire format or the schema. Another attempt may succeed.
    InvalidResponse,
    /// The response reached the token limit before its object was complete.
    Truncated,
    /// The model, the provider or the batch does not exist.
    NotFound,
    /// The model or the provider does not support this kind of request.
    Unsupported,
    /// The call could exceed the budget of the run or of the stage.
    BudgetExceeded,
    /// The stage was cancelled or lost its lease.
    Cancelled,
    /// The ledger could not be read or written. A call that cannot be reserved is not sent.
    Ledger,
}

/// The failure of one call to a language model.
///
/// Its text names the provider and the provider's message, never a key, a prompt or a response.
///
/// In a stage, `?` converts it into a [`StageError`](crate::StageError). That error is permanent if another attempt
/// would fail in the same way; otherwise it carries the delay that the provider requested.
#[derive(Clone, Debug)]
pub struct AiError {
    verdict: Verdict,
    message: String,
    status: Option<u16>,
    usage: Option<Usage>,
}

impl AiError {
    /// Creates an error of this kind. `message` names what failed and why.
    pub fn new(kind: AiErrorKind, message: impl Into<String>) -> Self {
        let verdict = Verdict { kind, retry_after: None };
        Self { verdict, message: message.into(), status: None, usage: None }
    }

    /// Adds the delay that the provider requests before the next attempt.
    #[must_use]
    pub const fn with_retry_after(mut self, delay: Duration) -> Self {
        self.verdict.retry_after = Some(delay);
        self
    }

    /// Adds the HTTP status of the response.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the tokens that the failed call used. Providers also charge for refusals and for malformed responses.
    #[must_use]
    pub const fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Returns the kind of failure.
    #[must_use]
    pub const fn kind(&self) -> AiErrorKind {
        self.verdict.kind
    }

    /// Returns the delay that the provider requested before the next attempt, if it named one.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.verdict.retry_after
    }

    /// Returns the HTTP status of the response, if there was a response.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns the tokens that the failed call used, or `None` if the provider did not report them.
    #[must_use]
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Returns whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.verdict.is_retryable()
    }
}

impl fmt::Display for AiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AiError {
    /// Returns the verdict, which the stage acts on.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.verdict)
    }
}

/// What an [`AiError`] means for a retry. It is the error's source, because types such as `anyhow::Error` hide the type of the
/// error that they wrap, but not its sources: a `StageError` that is made from them finds the verdict there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    kind: AiErrorKind,
    retry_after: Option<Duration>,
}

impl Verdict {
    const fn is_retryable(&self) -> bool {
        use AiErrorKind::{Connection, InvalidResponse, Ledger, Overloaded, RateLimited, Timeout};
        matches!(self.kind, RateLimited | Overloaded | Connection | Timeout | InvalidResponse | Ledger)
    }

    /// Whether another attempt of the stage may succeed. A cancelled call says nothing about the next attempt, so
    /// it counts as retryable here.
    pub(crate) const fn is_retryable_by_stage(&self) -> bool {
        self.is_retryable() || matches!(self.kind, AiErrorKind::Cancelled)
    }

    /// The delay that the provider requested before the next attempt.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_retryable_by_stage() {
            "the call may succeed later"
        } else {
            "the same call would fail again"
        })
    }
}

impl std::error::Error for Verdict {}
