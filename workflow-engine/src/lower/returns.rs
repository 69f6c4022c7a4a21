//! The return type of a stage's function.

use crate::context::{Retry, RetryDecision, StageError};

/// A return type of a stage.
///
/// The macro sees only the tokens `StageResult<T>`, or an alias; this trait finds `T`.
#[diagnostic::on_unimplemented(
    message = "a stage must return `StageResult<…>`, but this one returns `{Self}`",
    label = "not a `Result`"
)]
pub trait Returns {
    /// The stage's output.
    type Output;
}

#[diagnostic::do_not_recommend]
impl<T, E> Returns for Result<T, E> {
    type Output = T;
}

/// The error of a stage.
#[diagnostic::on_unimplemented(
    message = "a stage's error must convert into `StageError`, but `{Self}` does not",
    label = "`{Self}` does not convert into `StageError`",
    note = "implement `std::error::Error` for `{Self}`, or return `StageResult<…>` and convert each error with `.map_err(StageError::retryable)?`"
)]
pub trait Failure {
    /// Converts the error.
    fn into_error(self) -> StageError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<StageError>> Failure for E {
    fn into_error(self) -> StageError {
        self.into()
    }
}

/// The decision of an error that implements [`RetryDecision`].
///
/// Generated code calls `(&error).__retry_decision()` with this trait and [`Undecided`] in scope. rustc tries this trait first,
/// because the other one needs one more reference, so it finds the other one only for an error without a decision.
pub trait Decided {
    /// Returns the decision.
    fn __retry_decision(&self) -> Option<Retry>;
}

impl<E: RetryDecision> Decided for E {
    fn __retry_decision(&self) -> Option<Retry> {
        Some(self.retry())
    }
}

/// Every error, see [`Decided`].
pub trait Undecided {
    /// Returns `None`.
    fn __retry_decision(&self) -> Option<Retry>;
}

impl<E> Undecided for &E {
    fn __retry_decision(&self) -> Option<Retry> {
        None
    }
}
