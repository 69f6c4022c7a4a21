//! A call for a value of a type.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::AiSession;
use super::choice::ModelChoice;
use super::generation::Generation;
use super::options::{generation_options, tool_options};
use super::prompt::Prompt;
use super::response::ObjectResponse;
use super::schema::{expected, read_object, typed};
use crate::ai::error::AiError;
use crate::records::CallType;

/// A call for a value, made by [`AiSession::generate_object`]; `.await` makes it, and answers the value.
#[must_use = "nothing is sent until it is awaited"]
pub struct GenerateObject<T> {
    generation: Generation,
    object: PhantomData<fn() -> T>,
}

impl<T> GenerateObject<T> {
    pub(super) fn new(helper: &AiSession, choice: ModelChoice, prompt: Prompt) -> Self {
        Self { generation: Generation::new(helper, choice, prompt), object: PhantomData }
    }

    generation_options!();
    tool_options!();
}

impl<T: JsonSchema + DeserializeOwned> GenerateObject<T> {
    /// Makes the call, and answers the value with what it took.
    ///
    /// # Errors
    /// As `.await`: [`AiErrorKind::InvalidResponse`](crate::ai::AiErrorKind::InvalidResponse) when the answer is not of
    /// the type, [`AiErrorKind::Truncated`](crate::ai::AiErrorKind::Truncated) when it was cut at the limit of tokens;
    /// both have been paid.
    pub async fn with_details(self) -> Result<ObjectResponse<T>, AiError> {
        let expected = expected::<T>();
        let ready = self.generation.ready(CallType::Object, 0.0, Some(expected.object_schema()))?;
        let answer = ready.run().await?;
        let object = read_object(&answer.text, answer.finish_reason, &expected)?;
        Ok(ObjectResponse {
            object: typed(object, &expected)?,
            reasoning: answer.reasoning,
            usage: answer.usage,
            cost: answer.cost,
            steps: answer.steps,
        })
    }
}

impl<T: JsonSchema + DeserializeOwned + 'static> IntoFuture for GenerateObject<T> {
    type Output = Result<T, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.with_details().map(|answer| Ok(answer?.object)).boxed()
    }
}

impl<T> fmt::Debug for GenerateObject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateObject").field("model", &self.generation.choice.key).finish_non_exhaustive()
    }
}
