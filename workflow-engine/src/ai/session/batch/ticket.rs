//! The ticket of a submitted batch, and the token under which it was submitted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::ai::batch::{BatchItem, SubmittedBatch};
use crate::ai::session::schema::ExpectedSchema;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::value::CallId;
use crate::value::hex::hex;

/// The ticket of a submitted batch: everything that a process needs to fetch the results. It can be stored, for
/// example as the output of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchTicket {
    pub(super) model: String,
    pub(super) batch_id: String,
    pub(super) items: Vec<TicketItem>,
    /// The distinct schemas of the items, since items often share one.
    pub(super) schemas: Vec<ExpectedSchema>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct TicketItem {
    pub(super) custom_id: String,
    /// The item's row in the ledger.
    pub(super) call_id: CallId,
    /// The index of the item's schema in [`BatchTicket::schemas`].
    pub(super) schema: Option<usize>,
}

impl BatchTicket {
    /// Returns the key of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the provider's id of the batch.
    #[must_use]
    pub fn batch_id(&self) -> &str {
        &self.batch_id
    }

    /// Returns the custom ids of the items, in the order in which they were submitted.
    pub fn custom_ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.custom_id.as_str())
    }

    pub(super) fn submitted(&self) -> SubmittedBatch {
        SubmittedBatch { id: self.batch_id.clone() }
    }
}

/// Derives the token of a batch in a stage from the stage's own token and the items: 64 hexadecimal digits, equal in all
/// attempts that submit the same items.
pub(super) fn stage_batch_token(stage_token: &str, items: &[BatchItem]) -> Result<String, AiError> {
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
    let text = serde_json::to_string(&json!([stage_token, items])).map_err(|error| {
        AiError::new(AiErrorKind::InvalidRequest, format!("the items cannot be written as JSON: {error}"))
    })?;
    Ok(hex(&Sha256::digest(text)))
}
