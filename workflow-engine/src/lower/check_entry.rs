//! The type-erased check of a stage that waits: from a stored ticket, or a stored signal, to a stored result.

use std::any::type_name;

use futures_util::future::BoxFuture;
use schemars::SchemaGenerator;

use super::entry::{keep, store, unreadable_config};
use crate::context::StageError;
use crate::definition::{CheckExecution, CheckOutcome, WaitDefinition};
#[cfg(feature = "testing")]
use crate::language::Stubs;
use crate::language::{Check, CheckFunction, ContextOf, SignalStage, Stage, Waits};
use crate::value::{Json, Storable, find_unknown};

/// How the stage `S` waits, with the default durations.
#[must_use]
pub const fn wait_definition<S: Waits>() -> WaitDefinition {
    WaitDefinition::new(entry::<S>, || {
        <S::Check as CheckFunction>::Ticket::root_schema(SchemaGenerator::default())
    })
}

/// How the stage `S` waits for a signal, with the default duration.
#[must_use]
pub const fn signal_definition<S: SignalStage>() -> WaitDefinition {
    WaitDefinition::new(signal_entry::<S>, || S::Question::root_schema(SchemaGenerator::default()))
        .for_signal(find_unknown::<S::Output>)
}

/// Completes the stage `S` with the payload of a signal.
fn signal_entry<S: Stage>(execution: CheckExecution) -> BoxFuture<'static, Result<CheckOutcome, StageError>> {
    Box::pin(async move { answer::<S>(&execution) })
}

fn answer<S: Stage>(execution: &CheckExecution) -> Result<CheckOutcome, StageError> {
    #[cfg(feature = "testing")]
    if Stubs::find::<S>(&execution.context).is_some() {
        return Ok(CheckOutcome::Ready(execution.ticket.clone()));
    }
    let Some(signal) = &execution.signal else { return Ok(CheckOutcome::Pending(None)) };
    // A process without the code has checked it by its schema alone.
    let payload = signal.load::<S::Output>().map_err(|error| {
        StageError::permanent(format_args!(
            "a signal of stage `{}` cannot be read as `{}`: {error}",
            S::DECLARATION.id,
            type_name::<S::Output>(),
        ))
    })?;
    store::<S>(payload).map(CheckOutcome::Ready)
}

/// Stores the question of a stage that waits for a signal.
///
/// # Errors
/// Permanent, if the question cannot be stored, or would not be read back as the same value.
pub fn store_question<S: SignalStage>(question: S::Question) -> Result<Json, StageError> {
    keep::<S, _>("question", question)
}

/// Runs the check of the stage `S` on stored values.
fn entry<S: Waits>(execution: CheckExecution) -> BoxFuture<'static, Result<CheckOutcome, StageError>> {
    Box::pin(run::<S>(execution))
}

async fn run<S: Waits>(execution: CheckExecution) -> Result<CheckOutcome, StageError> {
    let CheckExecution { ticket, config, context, .. } = execution;
    let _life = context.life();
    #[cfg(feature = "testing")]
    if Stubs::find::<S>(&context).is_some() {
        return Ok(CheckOutcome::Ready(ticket));
    }
    let ticket = ticket
        .load::<<S::Check as CheckFunction>::Ticket>()
        .map_err(|error| unreadable_ticket::<S>(&error))?;
    let config = config.decode::<S::Config>().map_err(|error| unreadable_config::<S>(&error))?;
    S::prepare(&context)?;
    let own = <<S::Check as CheckFunction>::Context as ContextOf<S>>::of(&context);
    match S::Check::check(ticket, S::check_config(config), context, own).await? {
        Check::Pending => Ok(CheckOutcome::Pending(None)),
        Check::PendingFor(delay) => Ok(CheckOutcome::Pending(Some(delay))),
        Check::Ready(output) => store::<S>(output).map(CheckOutcome::Ready),
    }
}

/// Stores a ticket. One that the check would not read back as it is must fail the stage now, not hours later at the first
/// check.
///
/// # Errors
/// Permanent, if the ticket cannot be stored, or would not be read back as the same value.
pub fn store_ticket<S: Stage, C: CheckFunction>(ticket: C::Ticket) -> Result<Json, StageError> {
    keep::<S, _>("ticket", ticket)
}

fn unreadable_ticket<S: Waits>(error: &serde_json::Error) -> StageError {
    StageError::permanent(format_args!(
        "the ticket of stage `{}` cannot be read as `{}`: {error}",
        S::DECLARATION.id,
        type_name::<<S::Check as CheckFunction>::Ticket>(),
    ))
}
