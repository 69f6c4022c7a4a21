//! How a stage says that it failed, and what the engine should do about it.

use std::fmt;
use std::time::Duration;

use crate::error::ErrorCode;

/// What a stage returns: its output, or why it has none.
pub type StageResult<T> = Result<T, StageError>;

/// The failure of one attempt of a stage.
///
/// Like `anyhow::Error` it is not itself a `std::error::Error`, so that `?` converts every error that is one.
/// An error that came through `?` is *retryable*: the stage's retry policy decides. But one that says itself what to do,
/// or has such a one among its causes, does so: an `AiError` (feature `ai`), and an
/// [`Error`](crate::Error) with the code `BUDGET_EXCEEDED`, which is permanent.
///
/// ```
/// use std::time::Duration;
/// use workflow_engine::StageError;
///
/// fn parse(text: &str) -> Result<u32, StageError> {
///     Ok(text.parse::<u32>()?) // retryable
/// }
///
/// assert!(parse("x").unwrap_err().is_retryable());
/// assert!(!StageError::permanent("the account is closed").is_retryable());
/// assert_eq!(
///     StageError::retry_after("rate limited", Duration::from_secs(30)).delay(),
///     Some(Duration::from_secs(30)),
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StageError {
    message: String,
    remedy: Remedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    Retry,
    RetryAfter(Duration),
    None,
}

impl StageError {
    /// A failure that may pass: the stage's retry policy decides.
    pub fn retryable(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), remedy: Remedy::Retry }
    }

    /// A failure that another attempt cannot mend: the stage, and with it the run, fails now.
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), remedy: Remedy::None }
    }

    /// A failure that names its own waiting time, such as an HTTP 429 with `Retry-After`.
    /// It replaces the policy's backoff for this one retry; the policy's number of attempts still holds.
    pub fn retry_after(message: impl fmt::Display, delay: Duration) -> Self {
        Self { message: message.to_string(), remedy: Remedy::RetryAfter(delay) }
    }

    /// What went wrong, with the causes that were known.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether another attempt may be made.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        !matches!(self.remedy, Remedy::None)
    }

    /// The waiting time that the failure asks for, where it asks for one.
    #[must_use]
    pub const fn delay(&self) -> Option<Duration> {
        match self.remedy {
            Remedy::RetryAfter(delay) => Some(delay),
            Remedy::Retry | Remedy::None => None,
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageError")
            .field("message", &self.message)
            .field("retryable", &self.is_retryable())
            .field("delay", &self.delay())
            .finish_non_exhaustive()
    }
}

impl<E: std::error::Error + 'static> From<E> for StageError {
    /// Keeps the error's text and that of each of its sources.
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut remedy = remedy_of(&error);
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many libraries repeat the cause in their own text; once is enough.
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            remedy = remedy.or_else(|| remedy_of(cause));
            source = cause.source();
        }
        Self { message, remedy: remedy.unwrap_or(Remedy::Retry) }
    }
}

/// What an error says that should be done about it, if it says anything.
fn remedy_of(error: &(dyn std::error::Error + 'static)) -> Option<Remedy> {
    #[cfg(feature = "ai")]
    if let Some(error) = error.downcast_ref::<crate::ledger::ai_error::AiError>() {
        return Some(match error.retry_after() {
            _ if !error.is_retryable_by_stage() => Remedy::None,
            Some(delay) => Remedy::RetryAfter(delay),
            None => Remedy::Retry,
        });
    }
    let error = error.downcast_ref::<crate::Error>()?;
    (error.code() == ErrorCode::BudgetExceeded).then_some(Remedy::None)
}
