//! The type-erased body of a stage: from stored values to a stored value.

use std::any::{TypeId, type_name};

use futures_util::future::BoxFuture;

use super::from_upstream::FromUpstream;
use super::upstream::Upstream;
use crate::context::StageError;
use crate::definition::{Execution, ValueRules};
#[cfg(feature = "testing")]
use crate::language::Stubs;
use crate::language::{Running, Stage, Workflow};
use crate::value::exact::deep_drop;
use crate::value::{Json, Storable, Stored};

/// Runs the stage `S` on stored values of the shape `H`.
pub(crate) fn entry<S, H>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>>
where
    S: Stage<Input: FromUpstream<H::Value>>,
    H: Upstream,
{
    Box::pin(run::<S>(execution, H::IS_START, |stored| match S::Input::without_value() {
        Some(input) => Ok(input),
        None => H::decode(&mut stored.iter()).map(S::Input::accept),
    }))
}

/// Runs the stage `S`, which is not the first, on the input that `read` makes from stored values.
pub(super) fn run_with<S: Stage>(
    execution: Execution,
    read: impl FnOnce(&[Json]) -> Result<S::Input, serde_json::Error> + Send + 'static,
) -> impl Future<Output = Result<Json, StageError>> + Send + 'static {
    run::<S>(execution, false, read)
}

async fn run<S: Stage>(
    execution: Execution,
    is_start: bool,
    read: impl FnOnce(&[Json]) -> Result<S::Input, serde_json::Error> + Send + 'static,
) -> Result<Json, StageError> {
    let Execution { inputs, config, context, input_rules } = execution;
    let _life = context.life();
    let id = S::DECLARATION.id;
    let input = read(&inputs).map_err(|error| {
        StageError::permanent(format_args!("the input of stage `{id}` cannot be read: {error}"))
    })?;
    // The input of a run was checked when the run was created. A rule that is stricter by now strands no run.
    if let Some(rules) = input_rules.filter(|_| !is_start) {
        check_rules(&input, &rules).map_err(|reason| {
            StageError::permanent(format_args!("the input of stage `{id}` is not valid: {reason}"))
        })?;
    }
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

/// Checks the run's input as the input of the first stage `S`. If the two have one type, the run's input was checked as
/// itself.
pub(crate) fn check_start<S, W>(input: &Json, rules: &ValueRules) -> Result<(), String>
where
    S: Stage<Input: FromUpstream<W::Input>>,
    W: Workflow,
{
    if TypeId::of::<S::Input>() == TypeId::of::<W::Input>() {
        return Ok(());
    }
    let input = input.load::<W::Input>().map_err(|error| error.to_string())?;
    check_rules(&S::Input::accept(input), rules)
}

fn check_rules<I: Storable>(input: &I, rules: &ValueRules) -> Result<(), String> {
    let value = serde_json::to_value(Stored(input)).map_err(|error| error.to_string())?;
    rules.check(&value)
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
