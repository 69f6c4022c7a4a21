//! A `#[check]` function as a type, and how a stage waits by it.

use crate::context::{StageContext, StageError};
use crate::definition::Requirement;
use crate::stage::check_result::Check;
use crate::stage::declared_stage::{Running, Stage};
use crate::stage::require::ContextOf;
use crate::value::{Faulty, Json, NoConfig, Payload, Storable};

/// A check; implemented by [`#[check]`](macro@crate::check) for the type that it puts beside the function.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::CheckFunction;
///
/// #[check]
/// async fn batch_done(ticket: &String) -> StageResult<Check<u32>> {
///     Ok(Check::Ready(ticket.parse()?))
/// }
///
/// fn requirements<C: CheckFunction>() -> usize {
///     C::REQUIRES.len()
/// }
/// assert_eq!(requirements::<batch_done>(), 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check",
    label = "not a check",
    note = "a check is an async function with `#[check]` on it"
)]
pub trait CheckFunction: Send + Sync + 'static {
    /// What it takes by reference: what the stage's function returned.
    type Ticket: Storable;
    /// Its `#[config]` parameters as one structure; their keys are among those of the stage's configuration.
    type Config: Payload;
    /// What it delivers when the stage is ready. That it can be stored is asked where the stage says so.
    type Output: Send;
    /// The context that it takes.
    type Context: Send;

    /// The stages that it requires, and those that it reads where a workflow has them.
    const REQUIRES: &'static [Requirement];

    /// What [`Known`](super::private::Known) asks for.
    #[doc(hidden)]
    const IS_CHECK: usize = 0;

    /// Calls the function. `stored` holds the stored outputs of the stages that it requires.
    fn check(
        ticket: Self::Ticket,
        config: Self::Config,
        stored: StageContext,
        context: Self::Context,
    ) -> Running<Check<Self::Output>>;
}

/// What a check's function returns when it does not fail.
#[diagnostic::on_unimplemented(
    message = "a check returns `StageResult<Check<…>>`, not `StageResult<{Self}>`",
    label = "not a `Check`"
)]
pub trait Checked {
    /// What the stage delivers.
    type Output;

    /// The same value.
    fn found(self) -> Check<Self::Output>;
}

#[diagnostic::do_not_recommend]
impl<T> Checked for Check<T> {
    type Output = T;

    fn found(self) -> Self {
        self
    }
}

/// The check takes a `T` as its ticket.
///
/// A trait of its own, because the stand-in for a check with a mistake takes everything.
pub trait TakesTicket<T>: CheckFunction {
    /// The ticket of the stage `S` in its stored form.
    ///
    /// # Errors
    /// Permanent, when it cannot be stored, or not be read back.
    fn store<S: Stage>(ticket: &T) -> Result<Json, StageError>;
}

/// `Self` is what the stage `S` returns and its check `C` takes; `InputTypes` is what that says.
#[diagnostic::on_unimplemented(
    message = "`{S}` returns `{Self}`, but its check `{C}` takes `&{InputTypes}`",
    label = "takes `&{InputTypes}`, is handed `&{Self}`"
)]
pub trait TicketFor<S, C, InputTypes> {
    /// The ticket in its stored form.
    ///
    /// # Errors
    /// Permanent, when it cannot be stored, or not be read back.
    fn store(&self) -> Result<Json, StageError>;
}

#[diagnostic::do_not_recommend]
impl<S: Stage, C: TakesTicket<T>, T, InputTypes> TicketFor<S, C, InputTypes> for T {
    fn store(&self) -> Result<Json, StageError> {
        C::store::<S>(self)
    }
}

/// `Self` is a check, and not a stage that stands where a check should.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check",
    label = "not a check",
    note = "a check is an async function with `#[check]` on it"
)]
pub trait IsCheck {}

/// A stage in the place of a check would have no output, and whoever uses the stage that waits would fail for that too.
/// Here it has its own, and [`IsCheck`] alone refuses it.
#[doc(hidden)]
#[diagnostic::do_not_recommend]
impl<S: Stage> CheckFunction for S {
    type Ticket = Faulty;
    type Config = NoConfig;
    type Output = S::Output;
    type Context = StageContext;

    const REQUIRES: &'static [Requirement] = &[];

    fn check(_: Faulty, _: NoConfig, _: StageContext, _: StageContext) -> Running<Check<S::Output>> {
        unreachable!("a stage with a mistake does not compile")
    }
}

#[doc(hidden)]
#[diagnostic::do_not_recommend]
impl<S: Stage, T> TakesTicket<T> for S {
    fn store<R: Stage>(_: &T) -> Result<Json, StageError> {
        unreachable!("a stage with a mistake does not compile")
    }
}

/// A stage that waits.
pub trait Waits: Stage + Sized {
    /// Its check.
    type Check: IsCheck + CheckFunction<Output = Self::Output, Context: ContextOf<Self>>;

    /// The part of the stage's configuration that is the check's.
    fn check_config(config: Self::Config) -> <Self::Check as CheckFunction>::Config;

    /// Reads what the check may ask the stage's context for.
    ///
    /// # Errors
    /// Permanent, when it is absent or cannot be read.
    fn prepare(context: &StageContext) -> Result<(), StageError>;
}
