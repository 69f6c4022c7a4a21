//! How a stage reads the outputs of stages that ran before it.

use super::stage_trait::Stage;
use crate::context::{AnyStage, StageContext, StageError};

/// `Self` declares that it requires the stage `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare that it requires `{R}`",
    label = "`{R}` is not required by `{Self}`",
    note = "add `#[stage(require({R}))]` to the stage",
    note = "a plain `&StageContext` reads no other stages: write `&StageContext<this_stage>`"
)]
pub trait Requires<R> {}

/// `Self` declares that it reads the stage `R` where the workflow has it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare `{R}` as optional",
    label = "`{R}` is not optional for `{Self}`",
    note = "add `#[stage(optional({R}))]` to the stage",
    note = "a plain `&StageContext` reads no other stages: write `&StageContext<this_stage>`"
)]
pub trait Optionally<R> {}

/// `Self` is the output of the stage `R`, which a parameter of the type `T` asks for.
///
/// The functions are the trait's, not bounded by it, so that rustc has nothing to add to the sentence.
#[diagnostic::on_unimplemented(
    message = "`{R}` returns `{Self}`, but this parameter takes `{T}`",
    label = "`{R}` returns `{Self}`"
)]
pub trait OutputAs<R, T: ?Sized> {
    /// The required output, decoded afresh, for a parameter by value.
    ///
    /// # Errors
    /// Permanent, when it is absent or cannot be read.
    fn required(context: &StageContext) -> Result<T, StageError>
    where
        T: Sized;

    /// The required output, shared, for a parameter by reference.
    ///
    /// # Errors
    /// Permanent, when it is absent or cannot be read.
    fn required_ref(context: &StageContext) -> Result<&T, StageError>;

    /// The output where the workflow has the stage, decoded afresh.
    ///
    /// # Errors
    /// Permanent, when it cannot be read.
    fn optional(context: &StageContext) -> Result<Option<T>, StageError>
    where
        T: Sized;

    /// The output where the workflow has the stage, shared.
    ///
    /// # Errors
    /// Permanent, when it cannot be read.
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

/// What the context parameter of the stage `S` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a context of `{S}`",
    label = "not a context of `{S}`",
    note = "write `ctx: &StageContext`, or `ctx: &StageContext<{S}>` to read the outputs that the stage requires",
    note = "a stage takes its input by value: only its context and the outputs that it requires can be references"
)]
pub trait ContextOf<S>: Sized {
    /// The context of this attempt under that type.
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

/// Reads what the body will ask the context for, so that asking cannot fail.
///
/// # Errors
/// Permanent, when it is absent or cannot be read.
pub fn prepare<R: Stage>(context: &StageContext) -> Result<(), StageError> {
    optional_ref::<R>(context)?.map(drop).ok_or_else(|| absent::<R>(context))
}

/// As [`prepare`], for what a workflow may do without.
///
/// # Errors
/// Permanent, when it cannot be read.
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
