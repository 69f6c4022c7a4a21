//! The port to whoever serves models.

use async_trait::async_trait;

use super::batch::BatchProvider;
use super::error::{AiError, AiErrorKind};
use super::request::{EmbedRequest, GenerateRequest};
use super::response::{EmbedResponse, GenerateResponse, GenerateStream};

/// Whoever serves models. One call makes one request: what is repeated, recorded and paid is the caller's business.
///
/// Dropping a future or a stream gives the call up.
#[async_trait]
pub trait AiProvider: Send + Sync {
    /// The name by which models refer to it: `openai`.
    fn id(&self) -> &str;

    /// Asks for text, an object, or the next tools to call.
    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError>;

    /// The same, piece by piece.
    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError>;

    /// Asks for vectors.
    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        let message = format!("provider `{}` makes no embeddings (model `{}`)", self.id(), request.model.id);
        Err(AiError::new(AiErrorKind::Unsupported, message))
    }

    /// Its batches, where it has them.
    fn batches(&self) -> Option<&dyn BatchProvider> {
        None
    }
}
