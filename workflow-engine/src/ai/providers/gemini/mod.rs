//! Google's Gemini, over its own API (`v1beta` of `generativelanguage.googleapis.com`).

mod request;
mod content;
mod response;
mod stream;
mod embed;
mod batch;
mod operation;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;

use super::key_from_env;
use super::parts::parts;
use crate::ai::batch::BatchProvider;
use crate::ai::http::{Endpoint, lay_over};
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, GenerateResponse, GenerateStream};
use crate::ledger::ai_error::AiError;

const ID: &str = "google";
const BASE_URL: &str = "https://generativelanguage.googleapis.com";

/// Google's Gemini, as provider `google`: text, objects, streams, tools, pictures, documents, sound, vectors and batches.
///
/// - What a model has thought is told where [`provider_options`](crate::ai::GenerateRequest::provider_options) ask for
///   it: `{"generationConfig": {"thinkingConfig": {"includeThoughts": true}}}`.
/// - Models before Gemini 3 take either a schema or tools, not both.
/// - A prompt that is blocked is [`Refused`](crate::ai::AiErrorKind::Refused); an answer that is stopped has
///   [`ContentFilter`](crate::ai::FinishReason::ContentFilter) as its reason.
/// - At most 100 texts can be embedded by one call. Some models do not say how many tokens they have counted: then it
///   is estimated, four bytes a token.
/// - A [batch](BatchProvider) is found again by its token, which is its `displayName`.
///
/// ```
/// use workflow_engine::ai::AiProvider;
/// use workflow_engine::ai::providers::Gemini;
///
/// # fn main() -> Result<(), workflow_engine::ai::AiError> {
/// let provider = Gemini::new("AIza…")?;
/// assert_eq!(provider.id(), "google");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gemini {
    endpoint: Endpoint,
}

impl Gemini {
    /// With this key.
    ///
    /// # Errors
    ///
    /// The key has characters that no header can have, or this machine has no certificates to check the server's with.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        // A header, for URLs are written to logs.
        let endpoint = Endpoint::new(ID, BASE_URL)?.key("x-goog-api-key", "", &key.into())?;
        Ok(Self { endpoint })
    }

    /// With the key in the environment's `GOOGLE_GENERATIVE_AI_API_KEY`, or else in its `GEMINI_API_KEY`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); and without either variable,
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication).
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(key_from_env(ID, &["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"])?)
    }

    /// At another URL, a proxy or a gateway: what comes before `/v1beta/models`.
    ///
    /// # Errors
    ///
    /// It begins neither with `https://` nor with `http://`, has a query, or has a password in it.
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.at(base_url)?;
        Ok(self)
    }

    /// With a header that is no secret: `x-goog-user-project`.
    ///
    /// # Errors
    ///
    /// It is no header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.header(name, value)?;
        Ok(self)
    }

    fn body(request: &GenerateRequest) -> Value {
        let mut body = request::body(request);
        if let Some(options) = &request.provider_options {
            lay_over(&mut body, options);
        }
        body
    }
}

#[async_trait]
impl AiProvider for Gemini {
    fn id(&self) -> &str {
        ID
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        let path = path(&request.model.id, "generateContent");
        let body = self.endpoint.post(&path, &Self::body(request), request.timeout).await?;
        response::read(body, &self.endpoint)
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        let path = path(&request.model.id, "streamGenerateContent");
        let body = Self::body(request);
        let events = self.endpoint.clone().query("alt", "sse").events(&path, &body, request.timeout).await?;
        Ok(parts(ID, events, stream::Answer::new(self.endpoint.clone(), body)))
    }

    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        let path = path(&request.model.id, "batchEmbedContents");
        let body = self.endpoint.post(&path, &embed::body(request), request.timeout).await?;
        embed::read(body, request, &self.endpoint)
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        Some(self)
    }
}

fn path(model: &str, method: &str) -> String {
    format!("v1beta/{}:{method}", request::model_path(model))
}
