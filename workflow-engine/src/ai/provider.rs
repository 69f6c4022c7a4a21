//! The port for providers of language models.

use async_trait::async_trait;

use super::batch::BatchProvider;
use super::request::{EmbedRequest, GenerateRequest};
use super::response::{EmbedResponse, GenerateResponse, GenerateStream};
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// A provider of language models, which speaks one wire format.
///
/// One call sends one request: the [`AiSession`](super::AiSession) retries, records and accounts for calls. Dropping the
/// future or the stream abandons the request.
#[async_trait]
pub trait AiProvider: Send + Sync {
    /// Returns the id by which models name their provider, such as `openai`.
    fn id(&self) -> &str;

    /// Generates text, an object, or tool calls.
    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError>;

    /// Generates the same as a stream of parts.
    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError>;

    /// Computes embeddings. The default implementation fails with [`AiErrorKind::Unsupported`].
    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        let message =
            format!("provider `{}` does not support embeddings (model `{}`)", self.id(), request.model.id);
        Err(AiError::new(AiErrorKind::Unsupported, message))
    }

    /// Returns the batch API, or `None` if the provider has none.
    fn batches(&self) -> Option<&dyn BatchProvider> {
        None
    }
}
