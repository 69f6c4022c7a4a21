//! The type-erased body of a stage: from stored values to a stored value.

use std::any::type_name;

use futures_util::future::BoxFuture;

use super::from_upstream::FromUpstream;
use super::upstream::Upstream;
use crate::context::StageError;
use crate::definition::Execution;
use crate::language::{Running, Stage};
use crate::value::Json;

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
    Box::pin(async move { store::<S>(&function.await.map_err(failure)?) })
}

/// Replaces [`finish`] if a parameter of the function cannot be read.
#[must_use]
pub fn failed(error: StageError) -> Running<Json> {
    Box::pin(std::future::ready(Err(error)))
}

/// Stores an output and reads it back. Later stages see only the stored form, so an output that cannot be read must fail
/// the stage that returned it, not the stage that reads it.
///
/// # Errors
/// Permanent, if the output cannot be stored or read back.
pub fn store<S: Stage>(output: &S::Output) -> Result<Json, StageError> {
    let unfit = |doing: &str, error: &serde_json::Error| {
        StageError::permanent(format_args!(
            "the output of stage `{}`, a `{}`, cannot be {doing}: {error}",
            S::DECLARATION.id,
            type_name::<S::Output>(),
        ))
    };
    let json = Json::store(output).map_err(|error| unfit("stored", &error))?;
    json.load::<S::Output>().map_err(|error| unfit("read back from its stored form", &error))?;
    Ok(json)
}
