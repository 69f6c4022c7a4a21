//! The provider for OpenAI and compatible servers.

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

/// OpenAI, OpenRouter, or another server with the same API, such as Ollama, vLLM, llama.cpp or LM Studio.
///
/// It uses the chat completions API, which all of them support.
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

/// The name of the field in which a server expects [`GenerateRequest::max_tokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLimit {
    /// `max_completion_tokens`, which OpenAI expects. Its reasoning models refuse the other name.
    MaxCompletionTokens,
    /// `max_tokens`, the older name, which other servers expect.
    MaxTokens,
}

impl OpenAi {
    /// Creates the provider for OpenAI, with the provider id `openai`.
    ///
    /// # Errors
    ///
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication) if the key has characters that a header cannot contain;
    /// [`Unsupported`](crate::ai::AiErrorKind::Unsupported) if this machine has no certificates to verify servers with.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        let mut provider = Self::compatible("openai", OPENAI)?.with_key(key)?;
        provider.token_limit = TokenLimit::MaxCompletionTokens;
        provider.has_batches = true;
        Ok(provider)
    }

    /// Creates the provider for OpenAI, with the key in the environment variable `OPENAI_API_KEY`.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new); [`Authentication`](crate::ai::AiErrorKind::Authentication) if the variable is not
    /// set.
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(key_from_env("openai", &["OPENAI_API_KEY"])?)
    }

    /// Creates the provider for OpenRouter, with the provider id `openrouter`. Its models have ids such as
    /// `anthropic/claude-sonnet-4.5`.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new).
    pub fn openrouter(key: impl Into<SecretString>) -> Result<Self, AiError> {
        Self::compatible("openrouter", OPENROUTER)?.with_key(key)
    }

    /// Creates the provider for OpenRouter, with the key in the environment variable `OPENROUTER_API_KEY`.
    ///
    /// # Errors
    ///
    /// The errors of [`from_env`](Self::from_env).
    pub fn openrouter_from_env() -> Result<Self, AiError> {
        Self::openrouter(key_from_env("openrouter", &["OPENROUTER_API_KEY"])?)
    }

    /// Creates the provider for another server. `id` is the provider id that its models name, and `base_url` the part
    /// before `/chat/completions`, such as `http://localhost:11434/v1`.
    ///
    /// By default the server receives no key, [`TokenLimit::MaxTokens`] and no batches.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) if the URL begins with neither `https://` nor `http://`,
    /// has a query, or contains a password.
    pub fn compatible(id: &str, base_url: &str) -> Result<Self, AiError> {
        let endpoint = Endpoint::new(id, base_url)?;
        Ok(Self { endpoint, token_limit: TokenLimit::MaxTokens, has_batches: false })
    }

    /// Sets the key, which is sent as a bearer token.
    ///
    /// # Errors
    ///
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication) if the key has characters that a header cannot contain.
    pub fn with_key(mut self, key: impl Into<SecretString>) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.key("authorization", "Bearer ", &key.into())?;
        Ok(self)
    }

    /// Sets another base URL, of a proxy or a gateway.
    ///
    /// # Errors
    ///
    /// The errors of [`compatible`](Self::compatible).
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.at(base_url)?;
        Ok(self)
    }

    /// Adds a header that is not secret, such as `OpenAI-Project` or `X-Title`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) if it is not a valid header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.header(name, value)?;
        Ok(self)
    }

    /// Sets the name of the field for the token limit.
    #[must_use]
    pub const fn with_token_limit(mut self, field: TokenLimit) -> Self {
        self.token_limit = field;
        self
    }

    /// Enables batches, for a server with OpenAI's `/files` and `/batches`.
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
