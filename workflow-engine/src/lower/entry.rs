//! The type-erased body of a stage: from stored values to a stored value.

use std::any::type_name;

use futures_util::future::BoxFuture;

use super::from_upstream::FromUpstream;
use super::upstream::Upstream;
use crate::context::StageError;
use crate::definition::Execution;
#[cfg(feature = "testing")]
use crate::language::Stubs;
use crate::language::{Running, Stage};
use crate::value::exact::deep_drop;
use crate::value::{Json, Storable};

/// Runs the stage `S` on stored values of the shape `H`.
pub(crate) fn entry<S, H>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>>
where
    S: Stage<Input: FromUpstream<H::Value>>,
    H: Upstream,
{
    Box::pin(run::<S, H>(execution))
}

async fn run<S, H>(execution: Execution) -> Result<Json, StageError>
where
    S: Stage<Input: FromUpstream<H::Value>>,
    H: Upstream,
{
    let Execution { inputs, config, context } = execution;
    let _life = context.life();
    let id = S::DECLARATION.id;
    let input = match S::Input::without_value() {
        Some(input) => input,
        None => H::decode(&mut inputs.iter()).map(S::Input::accept).map_err(|error| {
            StageError::permanent(format_args!("the input of stage `{id}` cannot be read: {error}"))
        })?,
    };
    let config = config.decode::<S::Config>().map_err(|error| unreadable_config::<S>(&error))?;
    // Frees the stored text: the function can run for hours.
    drop(inputs);
    #[cfg(feature = "testing")]
    if let Some(stub) = Stubs::find::<S>(&context) {
        // Of a stage that waits, the stub's output takes the place of the ticket until the first check.
        return store::<S>(stub(input, &context)?);
    }
    S::run(input, config, context).await
}

pub(crate) fn unreadable_config<S: Stage>(error: &serde_json::Error) -> StageError {
    StageError::permanent(format_args!(
        "the configuration of stage `{}` cannot be read: {error}",
        S::DECLARATION.id
    ))
}

/// Awaits the function of the stage `S`, whose future borrows nothing, and stores its output.
pub fn finish<S: Stage, E: 'static>(
    function: impl Future<Output = Result<S::Output, E>> + Send + 'static,
    failure: fn(E) -> StageError,
) -> Running<Json> {
    Box::pin(async move { store::<S>(function.await.map_err(failure)?) })
}

/// Replaces [`finish`] if a parameter of the function cannot be read.
#[must_use]
pub fn failed(error: StageError) -> Running<Json> {
    Box::pin(std::future::ready(Err(error)))
}

/// Stores an output. Later stages see only the stored form, so an output that would not be read back as it is must fail
/// the stage that returned it, not the stage that reads it.
///
/// # Errors
/// Permanent, if the output cannot be stored, or would not be read back as the same value.
pub fn store<S: Stage>(output: S::Output) -> Result<Json, StageError> {
    keep::<S, _>("output", output)
}

pub(super) fn keep<S: Stage, T: Storable>(what: &str, value: T) -> Result<Json, StageError> {
    let fault = match Json::store(&value) {
        Ok(json) => return Ok(json),
        Err(fault) => fault,
    };
    if fault.is_too_deep() {
        deep_drop(value);
    }
    let (id, name) = (S::DECLARATION.id, type_name::<T>());
    Err(StageError::lossy(format_args!("the {what} of stage `{id}`, a `{name}`, cannot be stored"), &fault))
}
