//! The call for a value of a Rust type.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::AiSession;
use super::generation::{Generation, generation_options, tool_options};
use super::model_choice::ModelChoice;
use super::prompt::Prompt;
use super::schema::{ExpectedSchema, decode_object, parse_object};
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;
use crate::records::CallType;
use crate::value::Cost;

impl AiSession {
    /// Generates a value of the type `T`. The provider receives the JSON Schema of `T`, and the response is validated
    /// against it.
    pub fn generate_object<T>(
        &self,
        model: impl Into<ModelChoice>,
        prompt: impl Into<Prompt>,
    ) -> GenerateObject<T> {
        let generation = Generation::new(self, model.into(), prompt.into());
        GenerateObject { generation, object: PhantomData }
    }
}

/// A call for a value, built by [`AiSession::generate_object`]. `.await` sends it and returns the value.
#[must_use = "nothing is sent until it is awaited"]
pub struct GenerateObject<T> {
    generation: Generation,
    object: PhantomData<fn() -> T>,
}

impl<T> GenerateObject<T> {
    generation_options!();
    tool_options!();
}

/// The value that a model generated, with its usage and cost.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectResponse<T> {
    /// The value.
    pub object: T,
    /// The model's reasoning in all steps, if the provider returns it.
    pub reasoning: Option<String>,
    /// The tokens of all steps.
    pub usage: Usage,
    /// The exact cost of all steps.
    pub cost: Cost,
    /// The number of requests to the model: 1 without tools.
    pub steps: u32,
}

impl<T: JsonSchema + DeserializeOwned> GenerateObject<T> {
    /// Sends the call and returns the value with its usage and cost.
    ///
    /// # Errors
    /// As with `.await`: [`AiErrorKind::InvalidResponse`](crate::ai::AiErrorKind::InvalidResponse) if the response is
    /// not a `T`, [`AiErrorKind::Truncated`](crate::ai::AiErrorKind::Truncated) if it reached the token limit. The
    /// provider charges for both.
    pub async fn with_details(self) -> Result<ObjectResponse<T>, AiError> {
        let expected = ExpectedSchema::of::<T>();
        let prepared = self.generation.prepare(CallType::Object, Some(expected.object_schema()))?;
        let response = prepared.run().await?;
        let object = parse_object(&response.text, response.finish_reason, &expected)?;
        Ok(ObjectResponse {
            object: decode_object(object, &expected)?,
            reasoning: response.reasoning,
            usage: response.usage,
            cost: response.cost,
            steps: response.steps,
        })
    }
}

impl<T: JsonSchema + DeserializeOwned + 'static> IntoFuture for GenerateObject<T> {
    type Output = Result<T, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.with_details().map(|response| Ok(response?.object)).boxed()
    }
}

impl<T> fmt::Debug for GenerateObject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateObject").field("model", &self.generation.choice.key).finish_non_exhaustive()
    }
}
