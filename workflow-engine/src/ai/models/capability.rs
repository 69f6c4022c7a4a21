//! The capabilities that a call requires of a model.

use crate::ai::model::ModelConfig;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// A capability that not every model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ai) enum Capability {
    Generate,
    Embed,
    Tools,
    StructuredOutputs,
    Batch,
}

impl Capability {
    /// Fails if the model lacks the capability, before the call is reserved or sent.
    pub(in crate::ai) fn require(self, key: &str, model: &ModelConfig) -> Result<(), AiError> {
        let (is_supported, fault) = match self {
            Self::Generate => (!model.is_embedding_model, "is an embedding model: call `embed`"),
            Self::Embed => {
                (model.is_embedding_model, "is not an embedding model (`is_embedding_model` is not set)")
            }
            Self::Tools => (model.supports_tools, "does not support tools (`supports_tools` is not set)"),
            Self::StructuredOutputs => (
                model.supports_structured_outputs,
                "does not support schemas (`supports_structured_outputs` is not set)",
            ),
            Self::Batch => {
                (model.supports_async_batch, "does not support batches (`supports_async_batch` is not set)")
            }
        };
        if is_supported {
            return Ok(());
        }
        Err(AiError::new(AiErrorKind::Unsupported, format!("model `{key}` {fault}")))
    }
}
