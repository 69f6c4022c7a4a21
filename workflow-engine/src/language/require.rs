//! Reading the outputs of other stages.

use super::stage_trait::Stage;
use crate::context::{AnyStage, StageContext, StageError};

/// A stage that declares that it requires the stage `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare that it requires `{R}`",
    label = "`{R}` is not required by `{Self}`",
    note = "add `#[stage(require({R}))]` to the stage",
    note = "a plain `&StageContext` reads no other stages: write `&StageContext<this_stage>`"
)]
pub trait Requires<R> {}

/// A stage that declares the stage `R` as optional.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare `{R}` as optional",
    label = "`{R}` is not optional for `{Self}`",
    note = "add `#[stage(optional({R}))]` to the stage",
    note = "a plain `&StageContext` reads no other stages: write `&StageContext<this_stage>`"
)]
pub trait Optionally<R> {}

/// The output of the stage `R`, which a parameter of the type `T` takes.
///
/// The functions belong to the trait instead of having it as a bound, so that rustc adds no "required by a bound" note.
#[diagnostic::on_unimplemented(
    message = "`{R}` returns `{Self}`, but this parameter takes `{T}`",
    label = "`{R}` returns `{Self}`"
)]
pub trait OutputAs<R, T: ?Sized> {
    /// Decodes the required output for a parameter by value.
    ///
    /// # Errors
    /// Permanent, if the output is absent or cannot be decoded.
    fn required(context: &StageContext) -> Result<T, StageError>
    where
        T: Sized;

    /// Returns the shared required output for a parameter by reference.
    ///
    /// # Errors
    /// Permanent, if the output is absent or cannot be decoded.
    fn required_ref(context: &StageContext) -> Result<&T, StageError>;

    /// Decodes the optional output for a parameter by value.
    ///
    /// # Errors
    /// Permanent, if the output cannot be decoded.
    fn optional(context: &StageContext) -> Result<Option<T>, StageError>
    where
        T: Sized;

    /// Returns the shared optional output for a parameter by reference.
    ///
    /// # Errors
    /// Permanent, if the output cannot be decoded.
    fn optional_ref(context: &StageContext) -> Result<Option<&T>, StageError>;
}

#[diagnostic::do_not_recommend]
impl<R: Stage<Output = T>, T> OutputAs<R, T> for T {
    fn required(context: &StageContext) -> Result<T, StageError> {
        optional::<R>(context)?.ok_or_else(|| absent::<R>(context))
    }

    fn required_ref(context: &StageContext) -> Result<&T, StageError> {
        optional_ref::<R>(context)?.ok_or_else(|| absent::<R>(context))
    }

    fn optional(context: &StageContext) -> Result<Option<T>, StageError> {
        optional::<R>(context)
    }

    fn optional_ref(context: &StageContext) -> Result<Option<&T>, StageError> {
        optional_ref::<R>(context)
    }
}

/// A type for the context parameter of the stage `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a context of `{S}`",
    label = "not a context of `{S}`",
    note = "write `ctx: &StageContext`, or `ctx: &StageContext<{S}>` to read the outputs that the stage requires",
    note = "a stage takes its input by value: only its context and the outputs that it requires can be references"
)]
pub trait ContextOf<S>: Sized {
    /// Returns the context of this attempt as this type.
    fn of(context: &StageContext) -> Self;
}

#[diagnostic::do_not_recommend]
impl<S> ContextOf<S> for StageContext<AnyStage> {
    fn of(context: &StageContext) -> Self {
        context.undeclared()
    }
}

#[diagnostic::do_not_recommend]
impl<S: Stage> ContextOf<S> for StageContext<S> {
    fn of(context: &StageContext) -> Self {
        context.for_stage()
    }
}

/// Decodes an output before the function starts, so that [`StageContext::require`] cannot fail.
///
/// # Errors
/// Permanent, if the output is absent or cannot be decoded.
pub fn prepare<R: Stage>(context: &StageContext) -> Result<(), StageError> {
    optional_ref::<R>(context)?.map(drop).ok_or_else(|| absent::<R>(context))
}

/// Like [`prepare`], for [`StageContext::optional`].
///
/// # Errors
/// Permanent, if the output cannot be decoded.
pub fn prepare_optional<R: Stage>(context: &StageContext) -> Result<(), StageError> {
    optional_ref::<R>(context).map(drop)
}

fn optional<R: Stage>(context: &StageContext) -> Result<Option<R::Output>, StageError> {
    let Some(json) = context.stored(R::DECLARATION.id) else { return Ok(None) };
    json.load().map(Some).map_err(|error| unreadable::<R>(context, &error))
}

fn optional_ref<R: Stage>(context: &StageContext) -> Result<Option<&R::Output>, StageError> {
    context.shared(R::DECLARATION.id).transpose().map_err(|error| unreadable::<R>(context, &error))
}

fn absent<R: Stage>(context: &StageContext) -> StageError {
    StageError::permanent(format_args!(
        "stage `{}` requires the output of `{}`, which is not stored",
        context.stage_id(),
        R::DECLARATION.id,
    ))
}

fn unreadable<R: Stage>(context: &StageContext, error: &serde_json::Error) -> StageError {
    StageError::permanent(format_args!(
        "stage `{}` requires the output of `{}`, which cannot be read: {error}",
        context.stage_id(),
        R::DECLARATION.id,
    ))
}
