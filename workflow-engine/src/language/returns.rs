//! What a stage's function returns.

use super::failure::StageError;

/// A return type of a stage: `Result` with an error that converts into [`StageError`].
///
/// The macro sees `StageResult<T>` as tokens only, and any alias may stand there; the type system finds `T`.
#[diagnostic::on_unimplemented(
    message = "a stage returns `StageResult<…>`, not `{Self}`",
    label = "not a `Result` whose error converts into `StageError`"
)]
pub trait Returns {
    /// What the stage delivers.
    type Output;

    /// The result with the engine's error.
    ///
    /// # Errors
    /// The stage's own.
    fn into_result(self) -> Result<Self::Output, StageError>;
}

#[diagnostic::do_not_recommend]
impl<T, E: Into<StageError>> Returns for Result<T, E> {
    type Output = T;

    fn into_result(self) -> Result<T, StageError> {
        self.map_err(Into::into)
    }
}
