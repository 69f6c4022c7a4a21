//! The erased body of a stage: stored values in, stored value out.

use std::any::type_name;

use futures_util::future::BoxFuture;

use super::from_upstream::FromUpstream;
use super::upstream::Upstream;
use crate::context::StageError;
use crate::definition::Execution;
use crate::stage::{Running, Stage};
use crate::value::Json;

/// Runs the stage `S` on stored values, where it is handed `H`.
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
    let Execution { inputs: handed, config, context } = execution;
    let id = S::DECLARATION.id;
    let input = match S::Input::nothing() {
        Some(nothing) => nothing,
        None => H::decode(&mut handed.iter()).map(S::Input::accept).map_err(|error| {
            StageError::permanent(format_args!("stage `{id}` cannot be handed its input: {error}"))
        })?,
    };
    let config = config.decode::<S::Config>().map_err(|error| unreadable_config::<S>(&error))?;
    // The stored text is not needed while the body runs, which may be hours.
    drop(handed);
    S::run(input, config, context).await
}

pub(crate) fn unreadable_config<S: Stage>(error: &serde_json::Error) -> StageError {
    StageError::permanent(format_args!(
        "the configuration of stage `{}` cannot be read: {error}",
        S::DECLARATION.id
    ))
}

/// Runs the function of the stage `S`, which borrows nothing, and stores what it returned.
pub fn finish<S: Stage, E: 'static>(
    returned: impl Future<Output = Result<S::Output, E>> + Send + 'static,
    failure: fn(E) -> StageError,
) -> Running<Json> {
    Box::pin(async move { store::<S>(&returned.await.map_err(failure)?) })
}

/// Instead of [`finish`], where the function cannot be called.
#[must_use]
pub fn failed(error: StageError) -> Running<Json> {
    Box::pin(std::future::ready(Err(error)))
}

/// Writes an output and reads it back: later stages see only the stored form, so a value that does not survive
/// it must fail the stage that made it, not the one that needs it.
///
/// # Errors
/// Permanent, when it cannot be written or not be read back.
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
