//! What a check returns.

use std::time::Duration;

/// What a [`#[check]`](macro@crate::check) function finds.
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
    /// Not ready: it is checked again after the stage's `poll_every`.
    Pending,
    /// Not ready: it is checked again after this time, `poll_every` notwithstanding.
    PendingFor(Duration),
    /// Ready: the stage's output.
    Ready(T),
}
