//! A `#[check]` function as a type, and the stage that waits for it.

use super::check_result::Check;
use super::require::ContextOf;
use super::stage_trait::{Running, Stage};
use crate::context::{StageContext, StageError};
use crate::definition::{Requirement, StateType};
use crate::value::{Faulty, Json, NoConfig, Payload, Storable};

/// A check. [`#[check]`](macro@crate::check) implements it for the type that it generates beside the function.
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
    note = "a check is an async function with the attribute `#[check]`"
)]
pub trait CheckFunction: Send + Sync + 'static {
    /// The ticket, which the stage's function returns and the check takes by reference.
    type Ticket: Storable;
    /// Its `#[config]` parameters as one structure; their keys are among those of the stage's configuration.
    type Config: Payload;
    /// The stage's output. The stage, not the check, requires that it can be stored.
    type Output: Send;
    /// The type of its context.
    type Context: Send;

    /// The required and the optional stages.
    const REQUIRES: &'static [Requirement];

    /// The types of its `#[state]` parameters.
    const STATE: &'static [StateType] = &[];

    /// The proof for [`Known`](crate::__private::Known).
    #[doc(hidden)]
    const IS_CHECK: usize = 0;

    /// Calls the function. `stored` holds the stored outputs of the required stages.
    fn check(
        ticket: Self::Ticket,
        config: Self::Config,
        stored: StageContext,
        context: Self::Context,
    ) -> Running<Check<Self::Output>>;
}

/// The success value of a check's function.
#[diagnostic::on_unimplemented(
    message = "a check must return `StageResult<Check<…>>`, but this one returns `StageResult<{Self}>`",
    label = "not a `Check`"
)]
pub trait Checked {
    /// The stage's output.
    type Output;

    /// Returns the value itself.
    fn found(self) -> Check<Self::Output>;
}

#[diagnostic::do_not_recommend]
impl<T> Checked for Check<T> {
    type Output = T;

    fn found(self) -> Self {
        self
    }
}

/// A check that takes a `T` as its ticket.
///
/// It is a separate trait, because the placeholder for a check with a compile error takes every type.
pub trait TakesTicket<T>: CheckFunction {
    /// Returns the ticket of the stage `S` in its stored form.
    ///
    /// # Errors
    /// Permanent, if the ticket cannot be stored or read back.
    fn store<S: Stage>(ticket: T) -> Result<Json, StageError>;
}

/// `Self` is what the function of the stage `S` returns; its check `C` takes a `Ticket`.
#[diagnostic::on_unimplemented(
    message = "`{S}` returns `{Self}`, but its check `{C}` takes `&{Ticket}`",
    label = "takes `&{Ticket}`, receives `&{Self}`"
)]
pub trait TicketFor<S, C, Ticket> {
    /// Returns the ticket in its stored form.
    ///
    /// # Errors
    /// Permanent, if the ticket cannot be stored or read back.
    fn store(self) -> Result<Json, StageError>;
}

#[diagnostic::do_not_recommend]
impl<S: Stage, C: TakesTicket<T>, T, Ticket> TicketFor<S, C, Ticket> for T {
    fn store(self) -> Result<Json, StageError> {
        C::store::<S>(self)
    }
}

/// A check, and not a stage in the place of a check.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a check",
    label = "not a check",
    note = "a check is an async function with the attribute `#[check]`"
)]
pub trait IsCheck {}

/// Makes a stage in the place of a check one error, that of [`IsCheck`]. Without this implementation the stage that waits
/// would have no output, and everything that uses the output would be an error too.
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
    fn store<R: Stage>(_: T) -> Result<Json, StageError> {
        unreachable!("a stage with a mistake does not compile")
    }
}

/// A stage that waits.
pub trait Waits: Stage + Sized {
    /// Its check.
    type Check: IsCheck + CheckFunction<Output = Self::Output, Context: ContextOf<Self>>;

    /// Returns the check's part of the stage's configuration.
    fn check_config(config: Self::Config) -> <Self::Check as CheckFunction>::Config;

    /// Decodes the outputs that the check can read through the stage's context.
    ///
    /// # Errors
    /// Permanent, if an output is absent or cannot be decoded.
    fn prepare(context: &StageContext) -> Result<(), StageError>;
}
