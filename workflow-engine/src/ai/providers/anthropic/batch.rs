//! Message batches: up to 100,000 calls in one request, served within a day at half the price.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::response::{MessageBody, read};
use super::{Anthropic, ID};
use crate::ai::batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
use crate::ai::response::GenerateResponse;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// For a submission of at most 256 MB.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(600);
/// For a status request; for results, the time between two reads.
const STATUS_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct BatchBody {
    id: String,
    processing_status: String,
    request_counts: Counts,
}

/// The counts of items. All except `processing` are zero until the batch is terminal.
#[derive(Deserialize)]
struct Counts {
    succeeded: u32,
    errored: u32,
    canceled: u32,
    expired: u32,
}

/// One line of the results.
#[derive(Deserialize)]
struct Line {
    custom_id: String,
    result: Outcome,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Outcome {
    Succeeded {
        message: Value,
    },
    Errored {
        error: Value,
    },
    Canceled,
    Expired,
    #[serde(other)]
    Other,
}

/// Anthropic stores no token with a batch. If the ticket is lost between the provider's acceptance and the commit, the
/// batch cannot be found again: it completes and is charged, and its results are never fetched.
#[async_trait]
impl BatchProvider for Anthropic {
    async fn submit(&self, _token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError> {
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            requests.push(json!({"custom_id": item.custom_id, "params": Self::body(&item.request)?}));
        }
        let body = json!({"requests": requests});
        let batch: BatchBody = self.endpoint.post("v1/messages/batches", &body, SUBMIT_TIMEOUT).await?;
        Ok(SubmittedBatch { id: batch.id })
    }

    async fn find(&self, _token: &str) -> Result<Option<SubmittedBatch>, AiError> {
        Ok(None)
    }

    fn finds_by_token(&self) -> bool {
        false
    }

    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError> {
        let path = format!("v1/messages/batches/{}", batch.id);
        let body: BatchBody = self.endpoint.get(&path, &[], STATUS_TIMEOUT).await?;
        let counts = &body.request_counts;
        let state = match body.processing_status.as_str() {
            "in_progress" | "canceling" => BatchState::Processing,
            "ended" => terminal_state(counts),
            _ => return Err(self.endpoint.malformed("a batch has an undocumented status")),
        };
        let count = |count| if state.is_terminal() { Some(count) } else { None };
        Ok(BatchStatus {
            state,
            succeeded: count(counts.succeeded),
            failed: count(counts.errored + counts.canceled + counts.expired),
            message: None,
        })
    }

    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
        let path = format!("v1/messages/batches/{}/results", batch.id);
        let mut lines = self.endpoint.lines(&path, STATUS_TIMEOUT).await?;
        let mut results = Vec::new();
        while let Some(line) = lines.next().await? {
            let line: Line = serde_json::from_slice(&line)
                .map_err(|_| self.endpoint.malformed("a line of the results is malformed"))?;
            let outcome = self.outcome(line.result);
            results.push(ItemResult { custom_id: line.custom_id, outcome });
        }
        Ok(results)
    }

    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError> {
        let path = format!("v1/messages/batches/{}/cancel", batch.id);
        let Err(error) = self.endpoint.post::<BatchBody>(&path, &json!({}), STATUS_TIMEOUT).await else {
            return Ok(());
        };
        if error.is_retryable() {
            return Err(error);
        }
        // A terminal batch cannot be cancelled, which is not an error for the caller.
        let is_terminal = self.status(batch).await.is_ok_and(|status| status.state.is_terminal());
        if is_terminal { Ok(()) } else { Err(error) }
    }
}

/// Returns the terminal state. If some items were processed before the rest expired or was cancelled, the batch counts as
/// completed with failed items.
fn terminal_state(counts: &Counts) -> BatchState {
    if counts.succeeded + counts.errored > 0 {
        BatchState::Completed
    } else if counts.canceled > 0 {
        BatchState::Cancelled
    } else if counts.expired > 0 {
        BatchState::Expired
    } else {
        BatchState::Completed
    }
}

impl Anthropic {
    fn outcome(&self, outcome: Outcome) -> Result<GenerateResponse, AiError> {
        let failed = |kind, cause: &str| Err(AiError::new(kind, format!("provider `{ID}` {cause}")));
        match outcome {
            Outcome::Succeeded { message } => {
                let message: MessageBody = serde_json::from_value(message)
                    .map_err(|_| self.endpoint.malformed("the result of a batch item is not a message"))?;
                read(message)
            }
            Outcome::Errored { error } => Err(self.endpoint.reported(&error, None, None)),
            Outcome::Canceled => {
                failed(AiErrorKind::Cancelled, "did not start the item before the batch was cancelled")
            }
            Outcome::Expired => {
                failed(AiErrorKind::Timeout, "did not start the item before the batch expired")
            }
            Outcome::Other => {
                Err(self.endpoint.malformed("the result of a batch item has an undocumented type"))
            }
        }
    }
}
