//! Which rows of the ledger belong to a batch.

use std::collections::HashMap;

use serde::Deserialize;

use crate::ledger::call::BatchNames;
use crate::records::{AiCallRecord, CallStatus, CallType};
use crate::value::{CallId, Json};

/// What the metadata of an item's row says of its batch.
#[derive(Deserialize)]
struct Note {
    custom_id: String,
    #[serde(default)]
    batch_token: Option<String>,
    #[serde(default)]
    batch: Option<String>,
}

/// Of each item of a batch its row. Where it has several, because a batch of the same items was refused before, the
/// newest that was not; where all were, the newest.
pub(crate) struct BatchRows<'a> {
    names: &'a BatchNames,
    /// Whether the row was not refused, and the row.
    rows: HashMap<String, (bool, CallId)>,
}

impl<'a> BatchRows<'a> {
    pub(crate) fn new(names: &'a BatchNames) -> Self {
        Self { names, rows: HashMap::new() }
    }

    /// Takes the row in, if it belongs to the batch.
    pub(crate) fn add(&mut self, call: &AiCallRecord) {
        if call.call_type != CallType::Batch {
            return;
        }
        let note = call.metadata.as_ref().map(Json::decode::<Note>);
        let Some(Ok(note)) = note else { return };
        let BatchNames { token, id } = self.names;
        if note.batch_token.as_ref() == Some(token) || note.batch.as_ref() == Some(id) {
            let row = (call.outcome != CallStatus::Failed, call.id);
            let known = self.rows.entry(note.custom_id).or_insert(row);
            *known = row.max(*known);
        }
    }

    /// Custom id and row.
    pub(crate) fn found(self) -> Vec<(String, CallId)> {
        self.rows.into_iter().map(|(custom_id, (_, id))| (custom_id, id)).collect()
    }
}
