//! Tools: functions that a model may call.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFuture, TryFutureExt};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema::schema_of;
use crate::ai::request::Tool;
use crate::value::Lossy;
use crate::value::exact::encode_leniently;

/// A function that a model may call while it generates a response.
///
/// The input is deserialized into the function's argument. The output, or the error, is sent back to the model.
///
/// ```
/// use schemars::JsonSchema;
/// use serde::Deserialize;
/// use workflow_engine::ai::AiTool;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Place {
///     /// As `Lisbon`.
///     city: String,
/// }
///
/// let weather = AiTool::new("weather", "The weather in a city, now.", async |place: Place| {
///     if place.city == "Lisbon" { Ok("sunny") } else { Err("that city has no station") }
/// });
/// assert_eq!(weather.name(), "weather");
/// ```
#[derive(Clone)]
pub struct AiTool {
    declaration: Arc<Tool>,
    run: Arc<Run>,
}

type Run = dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync;

impl AiTool {
    /// Creates a tool with this name: 1 to 64 letters, digits, `_` and `-`.
    ///
    /// `description` tells the model when to call the tool. The doc comments on the fields of the input type tell it what
    /// to pass.
    pub fn new<I, F, Fut>(name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        I: DeserializeOwned + JsonSchema,
        F: Fn(I) -> Fut + Send + Sync + 'static,
        Fut: TryFuture + Send + 'static,
        Fut::Ok: Serialize,
        Fut::Error: fmt::Display,
    {
        let run = move |input: Value| match serde_json::from_value::<I>(input) {
            Err(error) => {
                std::future::ready(Err(format!("the input does not fit the schema: {error}"))).boxed()
            }
            Ok(input) => TryFutureExt::into_future(function(input))
                .map(|result| match result {
                    Ok(output) => tool_output(output),
                    Err(error) => Err(error.to_string()),
                })
                .boxed(),
        };
        let declaration =
            Tool { name: name.into(), description: description.into(), input_schema: schema_of::<I>() };
        Self { declaration: Arc::new(declaration), run: Arc::new(run) }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.declaration.name
    }

    /// Returns the tool as the model sees it.
    pub(super) fn declaration(&self) -> &Tool {
        &self.declaration
    }

    pub(super) fn run(&self, input: Value) -> BoxFuture<'static, Result<Value, String>> {
        (self.run)(input)
    }
}

fn tool_output<T: Serialize>(output: T) -> Result<Value, String> {
    let json = encode_leniently(&output);
    if json.as_ref().is_err_and(Lossy::is_too_deep) {
        // Dropping it here could overflow the stack, and it need not be `Send`.
        std::mem::forget(output);
    }
    let json = json.map_err(|fault| format!("the output cannot be written as JSON: {fault}"))?;
    json.decode().map_err(|error| format!("the output cannot be read back: {error}"))
}

impl fmt::Debug for AiTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiTool").field("name", &self.declaration.name).finish_non_exhaustive()
    }
}
