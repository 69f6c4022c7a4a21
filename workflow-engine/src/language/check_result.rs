//! The result of a check.

use std::time::Duration;

/// The result of a [`#[check]`](macro@crate::check) function.
///
/// ```
/// use std::time::Duration;
/// use workflow_engine::prelude::*;
///
/// #[check]
/// async fn arrived(parcel: &String) -> StageResult<Check<usize>> {
///     Ok(match parcel.as_str() {
///         "lost" => return Err(StageError::permanent("the parcel is lost")),
///         "abroad" => Check::PendingFor(Duration::from_secs(86_400)),
///         "" => Check::Pending,
///         parcel => Check::Ready(parcel.len()),
///     })
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), StageError> {
/// assert_eq!(arrived(&"shoes".to_owned()).await?, Check::Ready(5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check<T> {
    /// Not ready. The next check is due after the stage's `poll_every`.
    Pending,
    /// Not ready. The next check is due after this duration instead of `poll_every`.
    PendingFor(Duration),
    /// Ready, with the stage's output.
    Ready(T),
}
