//! The search for the rows of a batch in the ledger.

use std::collections::HashMap;

use serde::Deserialize;

use super::call::BatchNames;
use crate::records::{AiCallRecord, CallStatus, CallType};
use crate::value::{CallId, Json};

/// The batch fields in the metadata of an item's row.
#[derive(Deserialize)]
struct BatchMetadata {
    custom_id: String,
    #[serde(default)]
    batch_token: Option<String>,
    #[serde(default)]
    batch: Option<String>,
}

/// Collects one row for each item of a batch.
///
/// An item has several rows if a batch of the same items was refused before. The newest row that is not failed counts;
/// if all are failed, the newest.
pub(crate) struct BatchRows<'a> {
    names: &'a BatchNames,
    /// By custom id: whether the row is not failed, and its id. Ids ascend in time.
    rows: HashMap<String, (bool, CallId)>,
}

impl<'a> BatchRows<'a> {
    pub(crate) fn new(names: &'a BatchNames) -> Self {
        Self { names, rows: HashMap::new() }
    }

    /// Adds the row if it belongs to the batch.
    pub(crate) fn add(&mut self, call: &AiCallRecord) {
        if call.call_type != CallType::Batch {
            return;
        }
        let metadata = call.metadata.as_ref().map(Json::decode::<BatchMetadata>);
        let Some(Ok(metadata)) = metadata else { return };
        let BatchNames { token, id } = self.names;
        if metadata.batch_token.as_ref() == Some(token) || metadata.batch.as_ref() == Some(id) {
            let row = (call.outcome != CallStatus::Failed, call.id);
            let best = self.rows.entry(metadata.custom_id).or_insert(row);
            *best = row.max(*best);
        }
    }

    /// Returns the custom ids with their rows, in no order.
    pub(crate) fn found(self) -> Vec<(String, CallId)> {
        self.rows.into_iter().map(|(custom_id, (_, id))| (custom_id, id)).collect()
    }
}
