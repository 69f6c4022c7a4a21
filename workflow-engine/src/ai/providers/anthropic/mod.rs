//! The provider for Anthropic's Messages API.

mod request;
mod content;
mod schema;
mod model_version;
mod response;
mod stream;
mod batch;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;

use super::key_from_env;
use super::parts::parts;
use crate::ai::batch::BatchProvider;
use crate::ai::http::{Endpoint, merge_options};
use crate::ai::provider::AiProvider;
use crate::ai::request::GenerateRequest;
use crate::ai::response::{GenerateResponse, GenerateStream};
use crate::ledger::ai_error::AiError;

const ID: &str = "anthropic";
const BASE_URL: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";

/// Anthropic, with the provider id `anthropic`: text, objects, streams, tools, images, PDFs and batches. It has no
/// embeddings.
///
/// - Objects use structured outputs if the model supports them and the schema fits into their part of JSON Schema.
///   Otherwise the model returns the object through a tool named `answer_with_object`.
/// - `max_tokens` is required by the API. Its default is the model's limit, or 4096.
/// - Anthropic's `temperature` ends at 1, so higher values are sent as 1. Models that refuse the field (from Claude Opus
///   4.7 on) do not receive it.
/// - The thinking before a tool call is sent back in the call's [`signature`](crate::ai::ToolCall::signature), which
///   newer models require.
/// - Tokens written to Anthropic's cache are counted as ordinary prompt tokens, although they cost a quarter more.
/// - Anthropic stores no token with a [batch](BatchProvider), so a batch cannot be found again by its token.
///
/// ```
/// use workflow_engine::ai::AiProvider;
/// use workflow_engine::ai::providers::Anthropic;
///
/// # fn main() -> Result<(), workflow_engine::ai::AiError> {
/// let provider = Anthropic::new("sk-ant-…")?;
/// assert_eq!(provider.id(), "anthropic");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Anthropic {
    endpoint: Endpoint,
}

impl Anthropic {
    /// Creates the provider with this key.
    ///
    /// # Errors
    ///
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication) if the key has characters that a header cannot contain;
    /// [`Unsupported`](crate::ai::AiErrorKind::Unsupported) if this machine has no certificates to verify servers with.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        let endpoint = Endpoint::new(ID, BASE_URL)?.header("anthropic-version", VERSION)?;
        Ok(Self { endpoint: endpoint.key("x-api-key", "", &key.into())? })
    }

    /// Creates the provider with the key in the environment variable `ANTHROPIC_API_KEY`.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new); [`Authentication`](crate::ai::AiErrorKind::Authentication) if the variable is not
    /// set.
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(key_from_env(ID, &["ANTHROPIC_API_KEY"])?)
    }

    /// Sets another base URL, of a proxy or a gateway: the part before `/v1/messages`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) if the URL begins with neither `https://` nor `http://`,
    /// has a query, or contains a password.
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.at(base_url)?;
        Ok(self)
    }

    /// Adds a header that is not secret, such as `anthropic-beta`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) if it is not a valid header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.header(name, value)?;
        Ok(self)
    }

    fn body(request: &GenerateRequest) -> Result<Value, AiError> {
        let mut body = request::body(request)?;
        if let Some(options) = &request.provider_options {
            merge_options(&mut body, options);
        }
        Ok(body)
    }
}

#[async_trait]
impl AiProvider for Anthropic {
    fn id(&self) -> &str {
        ID
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        let body = Self::body(request)?;
        response::read(self.endpoint.post("v1/messages", &body, request.timeout).await?)
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        let mut body = Self::body(request)?;
        body["stream"] = true.into();
        let events = self.endpoint.events("v1/messages", &body, request.timeout).await?;
        Ok(parts(ID, events, stream::StreamReader::new(self.endpoint.clone(), body)))
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        Some(self)
    }
}
