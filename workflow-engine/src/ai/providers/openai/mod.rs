//! OpenAI, and whoever speaks as it does.

mod body;
mod messages;
mod strict;
mod response;
mod usage;
mod stream;
mod tools;
mod embed;
mod batch;

use async_trait::async_trait;
use secrecy::SecretString;

use super::key_from_env;
use crate::ai::batch::BatchProvider;
use crate::ai::http::Endpoint;
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, GenerateResponse, GenerateStream};
use crate::ledger::ai_error::AiError;

const OPENAI: &str = "https://api.openai.com/v1";
const OPENROUTER: &str = "https://openrouter.ai/api/v1";

/// OpenAI, OpenRouter, or a server of your own that speaks as they do: Ollama, vLLM, llama.cpp, LM Studio.
///
/// It speaks "chat completions", for that is what all of them understand.
///
/// ```
/// use workflow_engine::ai::AiProvider;
/// use workflow_engine::ai::providers::OpenAi;
///
/// let openai = OpenAi::new("sk-proj-0123456789")?;
/// assert_eq!(openai.id(), "openai");
///
/// let local = OpenAi::compatible("ollama", "http://localhost:11434/v1")?;
/// assert_eq!(local.id(), "ollama");
/// # Ok::<(), workflow_engine::ai::AiError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
    token_limit: TokenLimit,
    has_batches: bool,
}

/// The field in which a server wants [`GenerateRequest::max_tokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLimit {
    /// `max_completion_tokens`, as OpenAI wants it: its reasoning models refuse the other.
    MaxCompletionTokens,
    /// `max_tokens`, which others have from before.
    MaxTokens,
}

impl OpenAi {
    /// OpenAI itself, by the name `openai`.
    ///
    /// # Errors
    ///
    /// The key has characters that no header can have, or this machine has no certificates to check OpenAI's with.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        let mut provider = Self::compatible("openai", OPENAI)?.with_key(key)?;
        provider.token_limit = TokenLimit::MaxCompletionTokens;
        provider.has_batches = true;
        Ok(provider)
    }

    /// OpenAI itself, with the key in the environment's `OPENAI_API_KEY`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); and without that variable, [`AiErrorKind::Authentication`](crate::ai::AiErrorKind::Authentication).
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(key_from_env("openai", &["OPENAI_API_KEY"])?)
    }

    /// OpenRouter, by the name `openrouter`. Its models have names such as `anthropic/claude-sonnet-4.5`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn openrouter(key: impl Into<SecretString>) -> Result<Self, AiError> {
        Self::compatible("openrouter", OPENROUTER)?.with_key(key)
    }

    /// OpenRouter, with the key in the environment's `OPENROUTER_API_KEY`.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn openrouter_from_env() -> Result<Self, AiError> {
        Self::openrouter(key_from_env("openrouter", &["OPENROUTER_API_KEY"])?)
    }

    /// Another server, by a name of yours, which models refer to. `base_url` is what comes before `/chat/completions`:
    /// `http://localhost:11434/v1`. It gets no key, `max_tokens`, and no batches, until it is told otherwise.
    ///
    /// # Errors
    ///
    /// The URL begins neither with `https://` nor with `http://`, has a query, or has a password in it.
    pub fn compatible(id: &str, base_url: &str) -> Result<Self, AiError> {
        let endpoint = Endpoint::new(id, base_url)?;
        Ok(Self { endpoint, token_limit: TokenLimit::MaxTokens, has_batches: false })
    }

    /// With a key, which is sent as a bearer token.
    ///
    /// # Errors
    ///
    /// The key has characters that no header can have.
    pub fn with_key(mut self, key: impl Into<SecretString>) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.key("authorization", "Bearer ", &key.into())?;
        Ok(self)
    }

    /// At another URL: a proxy, or a gateway.
    ///
    /// # Errors
    ///
    /// As [`compatible`](Self::compatible).
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.at(base_url)?;
        Ok(self)
    }

    /// With a header that is no secret: `OpenAI-Project`, `X-Title`.
    ///
    /// # Errors
    ///
    /// It is no header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.header(name, value)?;
        Ok(self)
    }

    /// With the limit of tokens in this field.
    #[must_use]
    pub const fn with_token_limit(mut self, field: TokenLimit) -> Self {
        self.token_limit = field;
        self
    }

    /// A server that has `/files` and `/batches` as OpenAI has them.
    #[must_use]
    pub const fn with_batches(mut self) -> Self {
        self.has_batches = true;
        self
    }
}

#[async_trait]
impl AiProvider for OpenAi {
    fn id(&self) -> &str {
        self.endpoint.provider()
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        let body = self.body(request)?;
        let completion = self.endpoint.post("chat/completions", &body, request.timeout).await?;
        response::response(&self.endpoint, completion, Some(&body))
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        let body = self.stream_body(request)?;
        let events = self.endpoint.events("chat/completions", &body, request.timeout).await?;
        Ok(stream::parts(self.endpoint.clone(), events, body))
    }

    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        embed::embed(&self.endpoint, request).await
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        if self.has_batches { Some(self) } else { None }
    }
}
