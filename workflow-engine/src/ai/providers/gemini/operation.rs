//! The wire format of a batch: a long-running operation.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::ai::batch::BatchState;

#[derive(Deserialize)]
pub(super) struct Operation {
    /// The name, such as `batches/123`.
    pub name: String,
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub done: bool,
    /// The reason why the whole batch failed, as a `google.rpc.Status`.
    #[serde(default)]
    pub error: Option<Value>,
    #[serde(default)]
    pub response: Option<Output>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub display_name: String,
    pub state: Option<String>,
    pub batch_stats: Option<Stats>,
    pub output: Option<Output>,
}

/// The JSON form of a protocol buffer: a zero count is omitted, and a 64-bit count is a string.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Stats {
    #[serde(deserialize_with = "count")]
    pub successful_request_count: u32,
    #[serde(deserialize_with = "count")]
    pub failed_request_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(default)]
    pub inlined_responses: Option<InlinedResponses>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InlinedResponses {
    #[serde(default)]
    pub inlined_responses: Vec<InlinedResponse>,
}

/// The result of an item.
#[derive(Deserialize)]
pub(super) struct InlinedResponse {
    #[serde(default)]
    pub metadata: Option<ItemMetadata>,
    #[serde(default)]
    pub response: Option<Value>,
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct ItemMetadata {
    pub key: String,
}

/// A page of the list of batches.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub operations: Vec<Operation>,
    #[serde(default)]
    pub next_page_token: String,
}

impl Operation {
    /// Returns the state, or `None` if it is undocumented.
    pub fn state(&self) -> Option<BatchState> {
        let Some(state) = self.metadata.state.as_deref() else { return Some(self.derived_state()) };
        // The API reference documents `BATCH_STATE_…`; the guide and older responses have `JOB_STATE_…`.
        let state = state.trim_start_matches("BATCH_STATE_").trim_start_matches("JOB_STATE_");
        Some(match state {
            "UNSPECIFIED" => self.derived_state(),
            "PENDING" | "QUEUED" => BatchState::Pending,
            "RUNNING" | "CANCELLING" | "PAUSED" | "UPDATING" => BatchState::Processing,
            "SUCCEEDED" | "PARTIALLY_SUCCEEDED" => BatchState::Completed,
            "FAILED" => BatchState::Failed,
            "CANCELLED" => BatchState::Cancelled,
            "EXPIRED" => BatchState::Expired,
            _ => return None,
        })
    }

    /// Derives the state of an operation without a state field.
    fn derived_state(&self) -> BatchState {
        const CANCELLED: u64 = 1;
        match &self.error {
            _ if !self.done => BatchState::Processing,
            Some(error) if error["code"] == CANCELLED => BatchState::Cancelled,
            Some(_) => BatchState::Failed,
            None => BatchState::Completed,
        }
    }

    /// Returns the results of the items that have one.
    pub fn into_items(self) -> Vec<InlinedResponse> {
        // Both fields have the same content. Older responses have only the first.
        let outputs = [self.response, self.metadata.output].into_iter().flatten();
        let mut lists = outputs.filter_map(|output| output.inlined_responses);
        lists.next().map(|list| list.inlined_responses).unwrap_or_default()
    }
}

/// Returns the HTTP status that corresponds to the gRPC code of a `google.rpc.Status`.
pub(super) fn http_status(error: &Value) -> Option<u16> {
    Some(match error["code"].as_u64()? {
        3 | 9 | 11 => 400,
        16 => 401,
        7 => 403,
        5 => 404,
        6 | 10 => 409,
        8 => 429,
        14 => 503,
        4 => 504,
        http @ 400..600 => u16::try_from(http).ok()?,
        _ => 500,
    })
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let count = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let count = count.and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| serde::de::Error::custom("a count is not a number"))
}
