//! The wire format of a batch.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ai::batch::{BatchState, BatchStatus};
use crate::ai::http::Endpoint;
use crate::ledger::ai_error::AiError;

/// The metadata key under which a batch stores its token.
pub(super) const TOKEN: &str = "token";

#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    status: String,
    #[serde(default)]
    pub(super) output_file_id: Option<String>,
    #[serde(default)]
    pub(super) error_file_id: Option<String>,
    #[serde(default)]
    request_counts: Option<Counts>,
    #[serde(default)]
    errors: Option<Errors>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    completed: Option<u32>,
    #[serde(default)]
    failed: Option<u32>,
}

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    data: Option<Vec<LineError>>,
}

/// An error in one line of the input file.
#[derive(Deserialize)]
struct LineError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    line: Option<u64>,
}

/// A page of the list of batches, newest first.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    pub(super) data: Vec<Record>,
    #[serde(default)]
    pub(super) has_more: bool,
}

impl Record {
    pub(super) fn has_token(&self, token: &str) -> bool {
        self.metadata.as_ref().and_then(|metadata| metadata.get(TOKEN)).is_some_and(|found| found == token)
    }

    pub(super) fn status(&self, endpoint: &Endpoint) -> Result<BatchStatus, AiError> {
        let state = match self.status.as_str() {
            "validating" => BatchState::Pending,
            "in_progress" | "finalizing" | "cancelling" => BatchState::Processing,
            "completed" => BatchState::Completed,
            "failed" => BatchState::Failed,
            "expired" => BatchState::Expired,
            "cancelled" => BatchState::Cancelled,
            _ => return Err(endpoint.malformed("a batch has an undocumented status")),
        };
        let counts = self.request_counts.as_ref();
        Ok(BatchStatus {
            state,
            succeeded: counts.and_then(|counts| counts.completed),
            failed: counts.and_then(|counts| counts.failed),
            message: self.message(endpoint),
        })
    }

    /// Returns the first errors; a file of 50,000 lines can have as many.
    fn message(&self, endpoint: &Endpoint) -> Option<String> {
        let errors = self.errors.as_ref()?.data.as_ref()?;
        let texts: Vec<String> = errors.iter().take(3).filter_map(LineError::text).collect();
        let mut text = texts.join("; ");
        if errors.len() > 3 {
            text.push_str("; and more");
        }
        (!text.is_empty()).then(|| endpoint.redacted(&text))
    }
}

impl LineError {
    fn text(&self) -> Option<String> {
        let text = self.message.as_ref().or(self.code.as_ref())?;
        Some(match self.line {
            Some(line) => format!("line {line}: {text}"),
            None => text.clone(),
        })
    }
}
