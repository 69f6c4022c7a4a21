//! The name by which a batch is found again.

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::ai::batch::BatchItem;
use crate::ai::error::{AiError, AiErrorKind};
use crate::value::hex::hex;

/// The same for the same items in every attempt of a stage: 64 hexadecimal digits.
pub(super) fn token_of(stage: &str, items: &[BatchItem]) -> Result<String, AiError> {
    let items: Vec<_> = items
        .iter()
        .map(|BatchItem { custom_id, request }| {
            json!([
                custom_id,
                request.model.id,
                request.instructions,
                request.messages,
                request.temperature,
                request.max_tokens,
                request.schema,
                request.provider_options,
            ])
        })
        .collect();
    let text = serde_json::to_string(&json!([stage, items])).map_err(|error| {
        AiError::new(AiErrorKind::InvalidRequest, format!("the items cannot be written as JSON: {error}"))
    })?;
    Ok(hex(&Sha256::digest(text)))
}
