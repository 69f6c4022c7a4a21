//! Anthropic, over its Messages API.

mod request;
mod content;
mod schema;
mod generation;
mod response;
mod stream;
mod batch;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;

use super::key_from_env;
use super::parts::parts;
use crate::ai::batch::BatchProvider;
use crate::ai::http::{Endpoint, lay_over};
use crate::ai::provider::AiProvider;
use crate::ai::request::GenerateRequest;
use crate::ai::response::{GenerateResponse, GenerateStream};
use crate::ledger::ai_error::AiError;

const ID: &str = "anthropic";
const BASE_URL: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";

/// Anthropic, as provider `anthropic`: text, objects, streams, tools, pictures, PDFs and batches; no embeddings.
///
/// - An object is had by structured outputs where the model is said to support them and the schema can be said in
///   what they know of JSON Schema; else by a tool, `answer_with_object`, that takes it.
/// - `max_tokens` is never left out: where the request does not say it, it is what the model can do, or 4096.
/// - `temperature` goes to 1 there, so what is above counts as 1; models that refuse it (from Claude Opus 4.7 on) are
///   not given it.
/// - What the model has thought before it called a tool goes back to it in the call's
///   [`signature`](crate::ai::ToolCall::signature), which newer models insist on.
/// - Tokens that were written to its cache count as plain tokens of the prompt, though they cost a quarter more.
/// - A [batch](BatchProvider) cannot be found again by its token: Anthropic has no place for it.
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
    /// With this key.
    ///
    /// # Errors
    ///
    /// The key has characters that no header can have, or this machine has no certificates to check the server's with.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        let endpoint = Endpoint::new(ID, BASE_URL)?.header("anthropic-version", VERSION)?;
        Ok(Self { endpoint: endpoint.key("x-api-key", "", &key.into())? })
    }

    /// With the key in the environment's `ANTHROPIC_API_KEY`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); and without that variable,
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication).
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(key_from_env(ID, &["ANTHROPIC_API_KEY"])?)
    }

    /// At another URL, a proxy or a gateway: what comes before `/v1/messages`.
    ///
    /// # Errors
    ///
    /// It begins neither with `https://` nor with `http://`, has a query, or has a password in it.
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.at(base_url)?;
        Ok(self)
    }

    /// With a header that is no secret: `anthropic-beta`.
    ///
    /// # Errors
    ///
    /// It is no header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.header(name, value)?;
        Ok(self)
    }

    fn body(request: &GenerateRequest) -> Result<Value, AiError> {
        let mut body = request::body(request)?;
        if let Some(options) = &request.provider_options {
            lay_over(&mut body, options);
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
        Ok(parts(ID, events, stream::Answer::new(self.endpoint.clone(), body)))
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        Some(self)
    }
}
