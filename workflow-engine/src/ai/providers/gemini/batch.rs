//! Inline batches: up to 20 MB of requests, served within a day at half the price.

use std::time::Duration;

use async_trait::async_trait;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::Gemini;
use super::operation::{InlinedResponse, Operation, Page, http_status};
use super::request::model_path;
use super::response::{ResponseBody, read};
use crate::ai::batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
use crate::ai::response::GenerateResponse;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// For a submission, and for all results of a batch.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(600);
/// For a status request.
const STATUS_TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum number of pages in the list of batches: more than an account has.
const MAX_PAGES: usize = 100;

/// The token is the `displayName` of the batch, by which it is found in the list of batches.
#[async_trait]
impl BatchProvider for Gemini {
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError> {
        let Some(first) = items.first() else {
            return Err(AiError::new(AiErrorKind::InvalidRequest, "the batch has no items"));
        };
        let model = &first.request.model.id;
        if let Some(other) = items.iter().map(|item| &item.request.model.id).find(|id| *id != model) {
            let message = format!(
                "a batch of provider `{}` must have one model, not `{model}` and `{other}`",
                super::ID
            );
            return Err(AiError::new(AiErrorKind::InvalidRequest, message));
        }
        let requests = items
            .iter()
            .map(|item| json!({"request": Self::body(&item.request), "metadata": {"key": item.custom_id}}));
        let requests: Vec<Value> = requests.collect();
        let batch = json!({"displayName": token, "inputConfig": {"requests": {"requests": requests}}});
        let path = format!("v1beta/{}:batchGenerateContent", model_path(model));
        let operation: Operation =
            self.endpoint.post(&path, &json!({"batch": batch}), TRANSFER_TIMEOUT).await?;
        Ok(SubmittedBatch { id: operation.name })
    }

    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError> {
        let mut page_token = String::new();
        for _ in 0..MAX_PAGES {
            let mut query = vec![("pageSize", "100")];
            if !page_token.is_empty() {
                query.push(("pageToken", &page_token));
            }
            let page: Page = self.endpoint.get("v1beta/batches", &query, STATUS_TIMEOUT).await?;
            let found =
                page.operations.into_iter().find(|operation| operation.metadata.display_name == token);
            if let Some(operation) = found {
                return Ok(Some(SubmittedBatch { id: operation.name }));
            }
            if page.next_page_token.is_empty() {
                return Ok(None);
            }
            page_token = page.next_page_token;
        }
        // `None` would allow the caller to submit the batch a second time.
        Err(self.endpoint.malformed("the list of batches does not end"))
    }

    fn finds_by_token(&self) -> bool {
        true
    }

    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError> {
        let operation = self.operation(batch, STATUS_TIMEOUT).await?;
        let state = self.state(&operation)?;
        let stats = operation.metadata.batch_stats.as_ref();
        Ok(BatchStatus {
            state,
            succeeded: stats.map(|stats| stats.successful_request_count),
            failed: stats.map(|stats| stats.failed_request_count),
            message: operation.error.as_ref().map(|error| self.reported(error).to_string()),
        })
    }

    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
        let operation = self.operation(batch, TRANSFER_TIMEOUT).await?;
        if !self.state(&operation)?.is_terminal() {
            let message = format!("batch `{}` of provider `{}` is not terminal", batch.id, super::ID);
            return Err(AiError::new(AiErrorKind::InvalidRequest, message));
        }
        operation.into_items().into_iter().map(|item| self.result(item)).collect()
    }

    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError> {
        let path = format!("v1beta/{}:cancel", batch.id);
        let Err(error) = self.endpoint.post::<IgnoredAny>(&path, &json!({}), STATUS_TIMEOUT).await else {
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

impl Gemini {
    async fn operation(&self, batch: &SubmittedBatch, timeout: Duration) -> Result<Operation, AiError> {
        self.endpoint.get(&format!("v1beta/{}", batch.id), &[], timeout).await
    }

    fn state(&self, operation: &Operation) -> Result<BatchState, AiError> {
        operation.state().ok_or_else(|| self.endpoint.malformed("a batch has an undocumented state"))
    }

    fn result(&self, item: InlinedResponse) -> Result<ItemResult, AiError> {
        let Some(metadata) = item.metadata else {
            return Err(self.endpoint.malformed("a batch item has no key"));
        };
        let outcome = match (item.response, item.error) {
            (_, Some(error)) => Err(self.reported(&error)),
            (Some(response), None) => self.response(response),
            (None, None) => Err(self.endpoint.malformed("a batch item has neither a response nor an error")),
        };
        Ok(ItemResult { custom_id: metadata.key, outcome })
    }

    fn response(&self, response: Value) -> Result<GenerateResponse, AiError> {
        let body: ResponseBody = serde_json::from_value(response)
            .map_err(|_| self.endpoint.malformed("the response to a batch item is malformed"))?;
        read(body, &self.endpoint)
    }

    /// Converts an error of a batch or of an item, which has a gRPC code.
    fn reported(&self, error: &Value) -> AiError {
        const CANCELLED: u64 = 1;
        if error["code"] == CANCELLED {
            return AiError::new(
                AiErrorKind::Cancelled,
                format!("provider `{}` cancelled the batch", super::ID),
            );
        }
        self.endpoint.reported(error, http_status(error), None)
    }
}
