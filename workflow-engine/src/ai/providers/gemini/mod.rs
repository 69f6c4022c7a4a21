//! The provider for Google's Gemini API (`v1beta` of `generativelanguage.googleapis.com`).

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
use crate::ai::http::{Endpoint, merge_options};
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, GenerateResponse, GenerateStream};
use crate::ledger::ai_error::AiError;

const ID: &str = "google";
const BASE_URL: &str = "https://generativelanguage.googleapis.com";

/// Google's Gemini, with the provider id `google`: text, objects, streams, tools, images, documents, audio, embeddings and
/// batches.
///
/// - To receive reasoning, set these [`provider_options`](crate::ai::GenerateRequest::provider_options):
///   `{"generationConfig": {"thinkingConfig": {"includeThoughts": true}}}`.
/// - Models before Gemini 3 accept either a schema or tools, not both.
/// - A blocked prompt fails with [`Refused`](crate::ai::AiErrorKind::Refused). A response that the filter stops has the
///   finish reason [`ContentFilter`](crate::ai::FinishReason::ContentFilter).
/// - One call embeds at most 100 texts. Some models report no token count for embeddings; the engine then estimates four
///   bytes per token.
/// - The token of a [batch](BatchProvider) is its `displayName`, so a batch can be found again.
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
    /// Creates the provider with this key.
    ///
    /// # Errors
    ///
    /// [`Authentication`](crate::ai::AiErrorKind::Authentication) if the key has characters that a header cannot contain;
    /// [`Unsupported`](crate::ai::AiErrorKind::Unsupported) if this machine has no certificates to verify servers with.
    pub fn new(key: impl Into<SecretString>) -> Result<Self, AiError> {
        // The key is in a header, because URLs reach logs.
        let endpoint = Endpoint::new(ID, BASE_URL)?.key("x-goog-api-key", "", &key.into())?;
        Ok(Self { endpoint })
    }

    /// Creates the provider with the key in the environment variable `GOOGLE_GENERATIVE_AI_API_KEY`, or else
    /// `GEMINI_API_KEY`.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new); [`Authentication`](crate::ai::AiErrorKind::Authentication) if neither variable
    /// is set.
    pub fn from_env() -> Result<Self, AiError> {
        Self::new(key_from_env(ID, &["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"])?)
    }

    /// Sets another base URL, of a proxy or a gateway: the part before `/v1beta/models`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) if the URL begins with neither `https://` nor `http://`,
    /// has a query, or contains a password.
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.at(base_url)?;
        Ok(self)
    }

    /// Adds a header that is not secret, such as `x-goog-user-project`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ai::AiErrorKind::InvalidRequest) if it is not a valid header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        self.endpoint = self.endpoint.header(name, value)?;
        Ok(self)
    }

    fn body(request: &GenerateRequest) -> Value {
        let mut body = request::body(request);
        if let Some(options) = &request.provider_options {
            merge_options(&mut body, options);
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
        Ok(parts(ID, events, stream::StreamReader::new(self.endpoint.clone(), body)))
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
