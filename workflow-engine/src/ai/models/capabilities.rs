//! What a model is asked to do, and whether it can.

use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::model::ModelConfig;

/// Something that not every model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ai) enum Capability {
    Generate,
    Embed,
    Tools,
    StructuredOutputs,
    Batch,
}

impl Capability {
    /// Refuses what the model cannot do, before anything is written or sent.
    pub(in crate::ai) fn require(self, key: &str, model: &ModelConfig) -> Result<(), AiError> {
        let (can, what) = match self {
            Self::Generate => (!model.is_embedding_model, "makes vectors and no text; call `embed`"),
            Self::Embed => (model.is_embedding_model, "makes no vectors (`is_embedding_model` is not set)"),
            Self::Tools => (model.supports_tools, "calls no tools (`supports_tools` is not set)"),
            Self::StructuredOutputs => (
                model.supports_structured_outputs,
                "cannot be held to a schema (`supports_structured_outputs` is not set)",
            ),
            Self::Batch => {
                (model.supports_async_batch, "takes no batches (`supports_async_batch` is not set)")
            }
        };
        if can {
            return Ok(());
        }
        Err(AiError::new(AiErrorKind::Unsupported, format!("model `{key}` {what}")))
    }
}
