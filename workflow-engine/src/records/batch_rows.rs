//! Which rows of the ledger belong to a batch.

use std::collections::HashMap;

use serde::Deserialize;

use super::{AiCallRecord, CallOutcome};
use crate::language::{BatchNames, CallId, CallType, Json};

/// What the metadata of an item's row says of its batch.
#[derive(Deserialize)]
struct Note {
    custom_id: String,
    #[serde(default)]
    batch_token: Option<String>,
    #[serde(default)]
    batch: Option<String>,
}

/// Of each item of the batch its row. Where it has several, because a batch of the same items was refused before, the
/// newest that was not; where all were, the newest.
pub(crate) fn rows_of_batch(
    calls: impl IntoIterator<Item = AiCallRecord>,
    names: &BatchNames,
) -> Vec<(String, CallId)> {
    let mut rows: HashMap<String, (bool, CallId)> = HashMap::new();
    for call in calls.into_iter().filter(|call| call.call_type == CallType::Batch) {
        let note = call.metadata.as_ref().map(Json::decode::<Note>);
        let Some(Ok(note)) = note else { continue };
        if note.batch_token.as_ref() != Some(&names.token) && note.batch.as_ref() != Some(&names.id) {
            continue;
        }
        let row = (call.outcome != CallOutcome::Failed, call.id);
        let known = rows.entry(note.custom_id).or_insert(row);
        *known = row.max(*known);
    }
    rows.into_iter().map(|(custom_id, (_, id))| (custom_id, id)).collect()
}
