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

use super::parts::parts;
use crate::ai::batch::BatchProvider;
use crate::ai::error::AiError;
use crate::ai::http::{Endpoint, lay_over};
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, GenerateResponse, GenerateStream};

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
/// use workflow_engine::ai::providers::gemini::Gemini;
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
    key: SecretString,
}

impl Gemini {
    /// With this key.
    ///
    /// # Errors
    ///
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication) where it can be no key.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        Self::at(BASE_URL, key.into())
    }

    /// With the key in `GOOGLE_GENERATIVE_AI_API_KEY`, or else in `GEMINI_API_KEY`.
    ///
    /// # Errors
    ///
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication) where neither is set, or it can be no key.
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(super::key_from_env(ID, &["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"])?)
    }

    /// On another server, up to what comes before `/v1beta/models`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) where it is no `http://` or `https://` URL, or has a
    /// query or a key in it.
    pub fn base_url(self, url: &str) -> Result<Self, AiError> {
        Self::at(url, self.key)
    }

    /// The key goes into a header: URLs are written to logs.
    fn at(base_url: &str, key: SecretString) -> Result<Self, AiError> {
        let endpoint = Endpoint::new(ID, base_url)?.key("x-goog-api-key", "", &key)?;
        Ok(Self { endpoint, key })
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
