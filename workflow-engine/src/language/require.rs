//! How a stage reads the outputs of stages that ran before it.

use super::context::{StageContext, Undeclared};
use super::failure::StageError;
use super::stage::Stage;

/// `Self` declares that it requires the stage `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare that it requires `{R}`",
    label = "`{R}` is not required by `{Self}`",
    note = "write `#[stage(require({R}))]` on `{Self}`"
)]
pub trait Requires<R>: Stage {}

/// `Self` declares that it reads the stage `R` where the workflow has it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare `{R}` as optional",
    label = "`{R}` is not declared by `{Self}`",
    note = "write `#[stage(optional({R}))]` on `{Self}`"
)]
pub trait Optionally<R>: Stage {}

/// `Self` is the output of the stage `R`, which a parameter of the type `T` asks for.
#[diagnostic::on_unimplemented(
    message = "`{R}` returns `{Self}`, but is required here as `{T}`",
    label = "`{R}` returns `{Self}`"
)]
pub trait OutputAs<R, T: ?Sized> {
    /// The value itself.
    fn value(self) -> T
    where
        T: Sized;

    /// A reference to it.
    fn reference(&self) -> &T;
}

#[diagnostic::do_not_recommend]
impl<R, T> OutputAs<R, T> for T {
    fn value(self) -> T {
        self
    }

    fn reference(&self) -> &T {
        self
    }
}

/// What the context parameter of the stage `S` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a context of `{S}`",
    label = "not a context of `{S}`",
    note = "write `ctx: &StageContext`, or `ctx: &StageContext<{S}>` to read what the stage requires",
    note = "a stage's input is owned: only its context and what it requires are taken by reference"
)]
pub trait ContextOf<S>: Sized {
    /// The context of this attempt under that type.
    fn of(context: &StageContext) -> Self;
}

#[diagnostic::do_not_recommend]
impl<S> ContextOf<S> for StageContext<Undeclared> {
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

impl<S: Stage> StageContext<S> {
    /// The output of a stage that this one declares with `#[stage(require(…))]`.
    ///
    /// It cannot fail: every required output is read before the body starts.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn price(order: u32) -> StageResult<f64> {
    ///     Ok(f64::from(order) * 1.5)
    /// }
    ///
    /// #[stage(require(price))]
    /// async fn invoice(ctx: &StageContext<invoice>) -> StageResult<String> {
    ///     Ok(format!("{:.2}", ctx.require::<price>()))
    /// }
    /// ```
    ///
    /// # Panics
    /// In a context that was made without an engine and without that output.
    #[must_use]
    #[track_caller]
    pub fn require<R: Stage>(&self) -> &R::Output
    where
        S: Requires<R>,
    {
        match self.shared(R::DECLARATION.id) {
            Some(Ok(output)) => output,
            // `prepare` has read it before the body started; only a context made by hand comes here.
            Some(Err(_)) | None => panic!("this context has no output of stage `{}`", R::DECLARATION.id),
        }
    }

    /// The output of a stage that this one declares with `#[stage(optional(…))]`; `None` where the workflow
    /// does not have that stage.
    #[must_use]
    pub fn optional<R: Stage>(&self) -> Option<&R::Output>
    where
        S: Optionally<R>,
    {
        self.shared(R::DECLARATION.id)?.ok()
    }
}

/// The required output of `R`, decoded afresh, for a parameter by value.
///
/// # Errors
/// Permanent, when it is absent or cannot be read.
pub fn required<R: Stage, T>(context: &StageContext) -> Result<T, StageError>
where
    R::Output: OutputAs<R, T>,
{
    optional::<R, T>(context)?.ok_or_else(|| absent::<R>(context))
}

/// The required output of `R`, shared, for a parameter by reference.
///
/// # Errors
/// Permanent, when it is absent or cannot be read.
pub fn required_ref<R: Stage, T: ?Sized>(context: &StageContext) -> Result<&T, StageError>
where
    R::Output: OutputAs<R, T>,
{
    optional_ref::<R, T>(context)?.ok_or_else(|| absent::<R>(context))
}

/// The output of `R` where the workflow has it, decoded afresh.
///
/// # Errors
/// Permanent, when it cannot be read.
pub fn optional<R: Stage, T>(context: &StageContext) -> Result<Option<T>, StageError>
where
    R::Output: OutputAs<R, T>,
{
    let Some(json) = context.stored(R::DECLARATION.id) else { return Ok(None) };
    json.decode::<R::Output>()
        .map(|output| Some(output.value()))
        .map_err(|error| unreadable::<R>(context, &error))
}

/// The output of `R` where the workflow has it, shared.
///
/// # Errors
/// Permanent, when it cannot be read.
pub fn optional_ref<R: Stage, T: ?Sized>(context: &StageContext) -> Result<Option<&T>, StageError>
where
    R::Output: OutputAs<R, T>,
{
    match context.shared::<R::Output>(R::DECLARATION.id).transpose() {
        Ok(output) => Ok(output.map(OutputAs::reference)),
        Err(error) => Err(unreadable::<R>(context, &error)),
    }
}

/// Reads what the body will ask the context for, so that asking cannot fail.
///
/// # Errors
/// Permanent, when it is absent or cannot be read.
pub fn prepare<R: Stage>(context: &StageContext) -> Result<(), StageError> {
    required_ref::<R, R::Output>(context).map(drop)
}

/// As [`prepare`], for what a workflow may do without.
///
/// # Errors
/// Permanent, when it cannot be read.
pub fn prepare_optional<R: Stage>(context: &StageContext) -> Result<(), StageError> {
    optional_ref::<R, R::Output>(context).map(drop)
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
