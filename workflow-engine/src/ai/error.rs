//! Why a call of a model did not answer.

use std::fmt;
use std::time::Duration;

use super::response::Usage;

/// What kind of failure it is: what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AiErrorKind {
    /// HTTP 429: too much in too short a time. Repeated, after what the provider asks for.
    RateLimited,
    /// HTTP 500, 502, 503, 504, 529: the provider cannot now. Repeated.
    Overloaded,
    /// No connection, or one that was cut. Repeated; what the provider did meanwhile is unknown.
    Connection,
    /// No answer within the timeout. What the provider did meanwhile is unknown.
    Timeout,
    /// The provider or the model declined to answer.
    Refused,
    /// The request is wrong and will be wrong again.
    InvalidRequest,
    /// Prompt and answer together are longer than the model allows.
    ContextTooLong,
    /// HTTP 401, 402, 403: the key is missing, wrong or not entitled, or what it may spend is spent.
    Authentication,
    /// The answer is none that the wire format or the schema allows. Another answer may be.
    InvalidResponse,
    /// The answer was cut at the limit of tokens, so that an object is not whole.
    Truncated,
    /// No such model, provider, or batch.
    NotFound,
    /// The model or provider cannot do this at all.
    Unsupported,
    /// It would cost more than the run or the stage may spend.
    BudgetExceeded,
    /// The stage was stopped, or its lease is lost.
    Cancelled,
    /// The call could not be written to the ledger, so it was not made.
    Ledger,
}

/// The failure of one call.
///
/// Its text names the provider and what it said; never a key, a prompt or a response.
/// In a stage, `?` makes a [`StageError`](crate::StageError) of it, which is permanent where another attempt would
/// end the same, and waits as long as the provider asks for.
#[derive(Clone, Debug)]
pub struct AiError {
    kind: AiErrorKind,
    message: String,
    retry_after: Option<Duration>,
    status: Option<u16>,
    usage: Option<Usage>,
}

impl AiError {
    /// A failure of this kind; `message` says what was refused by whom, and why.
    pub fn new(kind: AiErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, status: None, usage: None }
    }

    /// With the time that the provider asks to be left alone.
    #[must_use]
    pub const fn with_retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// With the HTTP status of the answer.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With what the call took all the same: a model that declines, or that writes nonsense, is paid.
    #[must_use]
    pub const fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> AiErrorKind {
        self.kind
    }

    /// How long the provider asks to be left alone, where it says so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The HTTP status of the answer, where there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// What the call took, where the provider says so; `None` says nothing.
    #[must_use]
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        use AiErrorKind::{Connection, InvalidResponse, Ledger, Overloaded, RateLimited, Timeout};
        matches!(self.kind, RateLimited | Overloaded | Connection | Timeout | InvalidResponse | Ledger)
    }
}

impl AiError {
    /// Whether another attempt of the stage may end otherwise. A call that was stopped says nothing of the next one.
    pub(crate) const fn may_be_retried_by_stage(&self) -> bool {
        self.is_retryable() || matches!(self.kind, AiErrorKind::Cancelled)
    }
}

impl fmt::Display for AiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AiError {}
