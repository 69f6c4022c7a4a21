//! What is kept of a batch that was handed over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ai::batch::SubmittedBatch;
use crate::ai::session::schema::Expected;
use crate::value::CallId;

/// A batch that was handed over: what any process needs to ask for its results. It can be stored, as the output of a
/// stage or elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchTicket {
    pub(super) model: String,
    pub(super) batch_id: String,
    pub(super) items: Vec<TicketItem>,
    /// Items often have one schema: each stands here once.
    pub(super) schemas: Vec<Expected>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct TicketItem {
    pub(super) custom_id: String,
    /// The item's row in the ledger.
    #[schemars(with = "String")]
    pub(super) call_id: CallId,
    /// The place of its schema.
    pub(super) schema: Option<usize>,
}

impl BatchTicket {
    /// The key of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The provider's own name for the batch.
    #[must_use]
    pub fn batch_id(&self) -> &str {
        &self.batch_id
    }

    /// The ids of its items, in their order.
    pub fn custom_ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| item.custom_id.as_str())
    }

    pub(super) fn submitted(&self) -> SubmittedBatch {
        SubmittedBatch { id: self.batch_id.clone() }
    }
}
