//! The call for embeddings.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::AiSession;
use super::generation::check_options;
use super::model_choice::ModelChoice;
use super::request::{CallResult, CallSpec, settled};
use crate::ai::models::{Capability, max_cost_of_embedding};
use crate::ai::request::{EmbedRequest, TaskType};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;
use crate::records::CallType;
use crate::value::Cost;
use crate::value::exact::bounded;

impl AiSession {
    /// Computes an embedding of each text.
    pub fn embed(&self, model: impl Into<ModelChoice>, texts: impl Into<Texts>) -> Embed {
        Embed {
            session: self.clone(),
            choice: model.into(),
            texts: texts.into(),
            dimensions: None,
            task_type: None,
            provider_options: None,
            retries: None,
            timeout: None,
        }
    }
}

/// The texts of an [`Embed`] call: one or several.
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

/// The embeddings that a model computed, with their usage and cost.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingResponse {
    /// One vector for each text, in the order of the texts.
    pub embeddings: Vec<Vec<f32>>,
    /// The tokens of the call.
    pub usage: Usage,
    /// The exact cost.
    pub cost: Cost,
}

/// A call for embeddings, built by [`AiSession::embed`]. `.await` sends it and returns an [`EmbeddingResponse`].
#[must_use = "nothing is sent until it is awaited"]
pub struct Embed {
    session: AiSession,
    choice: ModelChoice,
    texts: Texts,
    dimensions: Option<u32>,
    task_type: Option<TaskType>,
    provider_options: Option<Value>,
    retries: Option<u32>,
    timeout: Option<Duration>,
}

impl Embed {
    /// Sets the number of dimensions of each vector. Default: the model's own.
    pub const fn dimensions(mut self, dimensions: u32) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sets the purpose of the vectors, for providers that distinguish purposes.
    pub const fn task_type(mut self, task_type: TaskType) -> Self {
        self.task_type = Some(task_type);
        self
    }

    /// Adds provider-specific fields, merged into the request body as they are.
    pub fn provider_options(mut self, options: Value) -> Self {
        self.provider_options = Some(bounded(options));
        self
    }

    /// Sets the number of retries, instead of the client's
    /// [`max_retries`](crate::ai::AiClientBuilder::max_retries).
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets the timeout for the response.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    async fn call(self) -> Result<EmbeddingResponse, AiError> {
        let Self { session, choice, texts: Texts(texts), .. } = self;
        let client = session.client()?;
        let model = client.models().get(&choice.key)?;
        Capability::Embed.require(&choice.key, model)?;
        let provider = client.provider_of(&choice.key, model)?;
        if texts.is_empty() {
            return Err(AiError::new(AiErrorKind::InvalidRequest, "there are no texts to embed"));
        }
        check_options(self.provider_options.as_ref())?;
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
        let spec = CallSpec {
            topic: session.topic.clone(),
            call_type: CallType::Embed,
            model_key: choice.key,
            model_id: model.id.clone(),
            prompt: settings.prompts.capture(|| request.texts.join("\n")),
            metadata,
            max_cost: max_cost_of_embedding(&request),
            retries: self.retries,
        };
        let CallResult { response, call, metadata } =
            session.send(&spec, || provider.embed(&request)).await?;
        let (count, usage) = (response.embeddings.len(), response.usage);
        let cost = model.cost(&usage, false);
        let length = response.embeddings.first().map_or(0, Vec::len);
        let text = settings.responses.capture(|| format!("[{count} vectors of {length} dimensions]"));
        call.settle(settled(text, usage, cost, metadata)).await?;
        if count != request.texts.len() {
            let message = format!("the response has {count} vectors for {} texts", request.texts.len());
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
