//! The error of an attempt, and whether the engine retries it.

use std::fmt;
use std::time::Duration;

use super::retry_decision::{Retry, RetryDecision};
use crate::error::{Error, ErrorCode, without_url_passwords};
#[cfg(feature = "ai")]
use crate::ledger::ai_error::Verdict;
use crate::value::Lossy;
use crate::value::limits::truncate;

/// The return type of a stage: its output, or an error.
pub type StageResult<T> = Result<T, StageError>;

/// The failure of one attempt of a stage.
///
/// The kind of the error decides whether the engine makes another attempt:
///
/// | made by | another attempt |
/// |---|---|
/// | `?` on any `std::error::Error`, `Box<dyn Error + Send + Sync>`, `anyhow::Error`, `eyre::Report` or text, [`retryable`](Self::retryable) | after the backoff of the stage's retry policy, up to its number of attempts |
/// | [`retry_after`](Self::retry_after) | after the given delay, up to the policy's number of attempts |
/// | [`permanent`](Self::permanent) | none: the stage and its run fail |
///
/// For two errors, `?` does not make a retryable error, also if they are among the sources of another error: an
/// `AiError` (feature `ai`) decides by its own kind, and an [`Error`](crate::Error) with the code `BUDGET_EXCEEDED` is
/// permanent.
///
/// Like `anyhow::Error`, this type does not implement `std::error::Error`, so that `?` can convert every type that does.
/// An error of your own decides by itself: implement [`RetryDecision`](crate::RetryDecision) for it, or, if it is not a
/// `std::error::Error`, `From<Mine> for StageError`; the stage then returns `Result<T, Mine>`. For an error that is not
/// `Send + Sync`, write `.map_err(StageError::retryable)?`.
///
/// The stored text has no passwords of URLs, and at most 8 KiB.
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
    /// The code of a run that fails for this reason, if it is not `STAGE_FAILED`.
    code: Option<ErrorCode>,
}

/// The highest number of causes of one error.
const MAX_CAUSES: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    Retry,
    RetryAfter(Duration),
    None,
    /// The attempt did not end by itself; it does not count.
    Interrupted,
}

impl StageError {
    /// The alternate form of `anyhow::Error` and `eyre::Report` has their causes.
    fn new(message: impl fmt::Display, remedy: Remedy) -> Self {
        Self { message: without_url_passwords(format!("{message:#}")), remedy, code: None }
    }

    /// A permanent error with its own code for the run.
    pub(crate) fn with_code(code: ErrorCode, message: impl fmt::Display) -> Self {
        Self { code: Some(code), ..Self::permanent(message) }
    }

    /// The permanent error of a value that cannot be stored as it is.
    pub(crate) fn lossy(what: impl fmt::Display, fault: &Lossy) -> Self {
        Self::with_code(fault.code(), format_args!("{what}: {fault}"))
    }

    /// The code of a run that fails for this reason.
    pub(crate) fn code(&self) -> ErrorCode {
        self.code.unwrap_or(ErrorCode::StageFailed)
    }

    /// Makes an error that the stage's retry policy applies to, such as a lost connection.
    ///
    /// It keeps the text of `message`. To keep the causes of an error too, convert it with `?` or [`From`].
    pub fn retryable(message: impl fmt::Display) -> Self {
        Self::new(message, Remedy::Retry)
    }

    /// Makes an error that another attempt cannot solve: the stage and its run fail now.
    ///
    /// It keeps the text of `message`. To keep the causes of an error too, write
    /// `StageError::from(error)`[`.without_retry()`](Self::without_retry).
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self::new(message, Remedy::None)
    }

    /// Makes an error with its own delay before the next attempt, such as an HTTP 429 with `Retry-After`.
    ///
    /// The delay replaces the policy's backoff for this retry only. The policy's number of attempts still applies.
    pub fn retry_after(message: impl fmt::Display, delay: Duration) -> Self {
        Self::new(message, Remedy::RetryAfter(delay))
    }

    /// Returns the same error as a permanent one.
    ///
    /// ```
    /// use workflow_engine::StageError;
    ///
    /// fn read(path: &str) -> Result<String, StageError> {
    ///     // A file of the program itself: it does not appear later.
    ///     std::fs::read_to_string(path).map_err(|error| StageError::from(error).without_retry())
    /// }
    ///
    /// assert!(!read("/no/such/file").unwrap_err().is_retryable());
    /// ```
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.remedy = Remedy::None;
        self
    }

    /// Converts an error of your own that decides itself whether the stage is retried; it keeps the texts of the error and of
    /// its causes. A stage that returns `Result<T, E>` with such an `E` converts it by itself.
    pub fn decided(error: impl RetryDecision + Send + Sync + 'static) -> Self {
        let retry = error.retry();
        Self::from(error).with_decision(Some(retry))
    }

    /// Applies the decision of the error from which this one was made.
    #[doc(hidden)]
    #[must_use]
    pub fn with_decision(mut self, decision: Option<Retry>) -> Self {
        self.remedy = match decision {
            None => return self,
            Some(Retry::ByPolicy) => Remedy::Retry,
            Some(Retry::After(delay)) => Remedy::RetryAfter(delay),
            Some(Retry::Never) => Remedy::None,
        };
        self
    }

    /// Makes the result of an attempt that its runtime ended: the job returns to the queue, and the attempt does not count.
    pub(crate) fn interrupted(message: impl fmt::Display) -> Self {
        Self::new(message, Remedy::Interrupted)
    }

    /// Returns whether this is the result of [`interrupted`](Self::interrupted).
    pub(crate) const fn is_interrupted(&self) -> bool {
        matches!(self.remedy, Remedy::Interrupted)
    }

    /// Returns the text of the error and of its sources, separated by `: `.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns whether the engine can make another attempt.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        !matches!(self.remedy, Remedy::None)
    }

    /// Returns the delay of [`retry_after`](Self::retry_after).
    #[must_use]
    pub const fn delay(&self) -> Option<Duration> {
        match self.remedy {
            Remedy::RetryAfter(delay) => Some(delay),
            Remedy::Retry | Remedy::None | Remedy::Interrupted => None,
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

/// The error of a function that a stage calls with `?`: every `std::error::Error`, `Box<dyn Error + Send + Sync>`,
/// `anyhow::Error` and `eyre::Report`, and every text.
///
/// The bound is the conversion into a box, because a type that wraps any error, such as `anyhow::Error`, cannot implement
/// `std::error::Error` itself. Implement `std::error::Error` for an error of your own, not this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not convert into `StageError`",
    label = "`{Self}` does not convert into `StageError`: it must implement `std::error::Error`, or box such an error, and be \
             `Send + Sync`; or write `.map_err(StageError::retryable)?`"
)]
pub trait IntoStageError {
    /// Boxes the error, with its sources.
    #[doc(hidden)]
    fn into_boxed(self) -> Box<dyn std::error::Error + Send + Sync>;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> IntoStageError for E {
    fn into_boxed(self) -> Box<dyn std::error::Error + Send + Sync> {
        self.into()
    }
}

impl<E: IntoStageError> From<E> for StageError {
    /// Keeps the text of the error and of each of its sources: at most 8 KiB, without those in the middle if they are longer.
    fn from(error: E) -> Self {
        let error = error.into_boxed();
        let mut texts = vec![error.to_string()];
        let mut remedy = remedy_of(&*error);
        let sources = std::iter::successors(error.source(), |cause| cause.source());
        // A chain can be a circle.
        for cause in sources.take(MAX_CAUSES) {
            let text = cause.to_string();
            // Many libraries repeat the source in their own text.
            if !texts.iter().any(|earlier| earlier.contains(&text)) && !is_verdict(cause) {
                texts.push(text);
            }
            remedy = remedy.or_else(|| remedy_of(cause));
        }
        let texts = texts.into_iter().map(without_url_passwords).collect();
        Self { message: truncate::causes(texts), remedy: remedy.unwrap_or(Remedy::Retry), code: None }
    }
}

/// The remedy that the error itself defines.
fn remedy_of(error: &(dyn std::error::Error + 'static)) -> Option<Remedy> {
    #[cfg(feature = "ai")]
    if let Some(verdict) = error.downcast_ref::<Verdict>() {
        return Some(match verdict.retry_after() {
            _ if !verdict.is_retryable_by_stage() => Remedy::None,
            Some(delay) => Remedy::RetryAfter(delay),
            None => Remedy::Retry,
        });
    }
    let error = error.downcast_ref::<Error>()?;
    (error.code() == ErrorCode::BudgetExceeded).then_some(Remedy::None)
}

/// Whether the error only says whether a call to a model is retried, which the engine acts on and does not repeat.
fn is_verdict(error: &(dyn std::error::Error + 'static)) -> bool {
    #[cfg(feature = "ai")]
    return error.is::<Verdict>();
    #[cfg(not(feature = "ai"))]
    {
        let _ = error;
        false
    }
}
