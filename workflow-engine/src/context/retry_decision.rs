//! An error of the program that decides whether its stage is retried.

use std::time::Duration;

/// What the engine does after an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// The stage is retried after the backoff of its retry policy, up to the policy's number of attempts.
    #[default]
    ByPolicy,
    /// The stage is retried after this delay, up to the policy's number of attempts.
    After(Duration),
    /// The stage and its run fail.
    Never,
}

/// An error that decides whether its stage is retried.
///
/// A stage that returns `Result<T, E>` with such an `E` follows the decision, and keeps the texts of the error and of its
/// causes. In a stage that returns `StageResult<T>`, write `.map_err(StageError::decided)?`.
///
/// ```
/// use std::fmt;
/// use std::time::Duration;
/// use workflow_engine::prelude::*;
/// use workflow_engine::{ErrorCode, Retry, RetryDecision};
///
/// #[derive(Debug)]
/// enum ChargeError {
///     Declined,
///     Busy,
/// }
///
/// impl fmt::Display for ChargeError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str(match self {
///             Self::Declined => "the card was declined",
///             Self::Busy => "the bank is busy",
///         })
///     }
/// }
///
/// impl std::error::Error for ChargeError {}
///
/// impl RetryDecision for ChargeError {
///     fn retry(&self) -> Retry {
///         match self {
///             Self::Declined => Retry::Never,
///             Self::Busy => Retry::After(Duration::from_secs(60)),
///         }
///     }
/// }
///
/// #[stage]
/// async fn charge(cents: u32) -> Result<u32, ChargeError> {
///     if cents > 100_000 { Err(ChargeError::Declined) } else { Ok(cents) }
/// }
///
/// workflow! { Charging = charge }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Charging>().build().await?;
/// let run = engine.start::<Charging>(ChargingInput { cents: 200_000 }).await?;
/// let error = run.output().await.unwrap_err();
/// assert!(error.to_string().ends_with("stage `charge` failed after 1 attempt: the card was declined"));
/// # Ok(())
/// # }
/// ```
pub trait RetryDecision: std::error::Error {
    /// Returns what the engine does.
    fn retry(&self) -> Retry;
}
