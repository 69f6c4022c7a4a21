//! A call for vectors.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::AiSession;
use super::choice::ModelChoice;
use super::request::{CallResult, CallSpec, json};
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::models::{Capability, worst_of_embedding};
use crate::ai::request::{EmbedRequest, TaskType};
use crate::ai::response::Usage;
use crate::ledger::{CallOutcome, SettledCall};
use crate::records::CallType;
use crate::value::Cost;

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts(Vec<String>);

impl From<&str> for Texts {
    fn from(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }
}

impl From<String> for Texts {
    fn from(text: String) -> Self {
        Self(vec![text])
    }
}

impl<S: Into<String>> From<Vec<S>> for Texts {
    fn from(texts: Vec<S>) -> Self {
        Self(texts.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Texts {
    fn from(texts: [S; N]) -> Self {
        Self(texts.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String> + Clone> From<&[S]> for Texts {
    fn from(texts: &[S]) -> Self {
        Self(texts.iter().cloned().map(Into::into).collect())
    }
}

/// Vectors, and what they took.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingResponse {
    /// One for each text, in their order.
    pub embeddings: Vec<Vec<f32>>,
    /// What they took.
    pub usage: Usage,
    /// Exactly.
    pub cost: Cost,
}

/// A call for vectors, made by [`AiSession::embed`]; `.await` makes it.
#[must_use = "nothing is sent until it is awaited"]
pub struct Embed {
    helper: AiSession,
    choice: ModelChoice,
    texts: Texts,
    dimensions: Option<u32>,
    task_type: Option<TaskType>,
    provider_options: Option<Value>,
    retries: Option<u32>,
    timeout: Option<Duration>,
}

impl Embed {
    pub(super) fn new(helper: &AiSession, choice: ModelChoice, texts: Texts) -> Self {
        Self {
            helper: helper.clone(),
            choice,
            texts,
            dimensions: None,
            task_type: None,
            provider_options: None,
            retries: None,
            timeout: None,
        }
    }

    /// How long a vector is to be. Default: as the model makes it.
    pub const fn dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// What the vectors are for, where the provider distinguishes it.
    pub const fn task_type(mut self, task_type: TaskType) -> Self {
        self.task_type = Some(task_type);
        self
    }

    /// Fields of the provider's own, laid over the request as they are.
    pub fn provider_options(mut self, options: Value) -> Self {
        self.provider_options = Some(options);
        self
    }

    /// How often it is repeated, in the place of the client's
    /// [`max_retries`](crate::ai::AiClientBuilder::max_retries).
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// How long an answer may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    async fn call(self) -> Result<EmbeddingResponse, AiError> {
        let Self { helper, choice, texts: Texts(texts), .. } = self;
        let client = helper.client()?;
        let model = client.models().get(&choice.key)?;
        Capability::Embed.require(&choice.key, model)?;
        let provider = client.provider_of(&choice.key, model)?;
        if texts.is_empty() {
            return Err(AiError::new(AiErrorKind::InvalidRequest, "there is no text to make a vector of"));
        }
        let settings = client.settings();
        let request = EmbedRequest {
            model: model.clone(),
            texts,
            dimensions: self.dimensions,
            task_type: self.task_type,
            provider_options: self.provider_options,
            timeout: self.timeout.unwrap_or(settings.timeout),
        };
        let mut metadata = Map::new();
        metadata.insert("texts".to_owned(), request.texts.len().into());
        metadata.insert("dimensions".to_owned(), request.dimensions.into());
        let question = CallSpec {
            topic: helper.topic.clone(),
            call_type: CallType::Embed,
            model_key: choice.key,
            model_id: model.id.clone(),
            prompt: settings.prompts.keep(|| request.texts.join("\n")),
            metadata,
            reserve: worst_of_embedding(&request),
            retries: self.retries,
        };
        let CallResult { value: response, call, metadata } =
            helper.ask(&question, || provider.embed(&request)).await?;
        let (count, usage) = (response.embeddings.len(), response.usage);
        let cost = model.cost(&usage, false);
        let length = response.embeddings.first().map_or(0, Vec::len);
        let settled = SettledCall {
            response: settings.responses.keep(|| format!("[{count} vectors of {length} dimensions]")),
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            cost,
            metadata: json(metadata),
        };
        call.end(CallOutcome::Settled(settled)).await?;
        if count != request.texts.len() {
            let message = format!("there are {count} vectors for {} texts", request.texts.len());
            return Err(AiError::new(AiErrorKind::InvalidResponse, message));
        }
        Ok(EmbeddingResponse { embeddings: response.embeddings, usage, cost })
    }
}

impl IntoFuture for Embed {
    type Output = Result<EmbeddingResponse, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.call().boxed()
    }
}

impl fmt::Debug for Embed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embed").field("model", &self.choice.key).finish_non_exhaustive()
    }
}
