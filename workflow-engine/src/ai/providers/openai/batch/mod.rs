//! OpenAI's batches. Reference: <https://platform.openai.com/docs/guides/batch>.
//!
//! A batch is created from an uploaded file of requests. Within a day it produces two files: one with the responses, and
//! one with the errors. A batch that expired or was cancelled has both, for the items that were processed.

mod submit;
mod record;
mod results;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::OpenAi;
use crate::ai::batch::{BatchItem, BatchProvider, BatchStatus, ItemResult, SubmittedBatch};
use crate::ledger::ai_error::AiError;
use record::{Page, Record};

/// For a request about a batch, and between two reads of a file.
const TIMEOUT: Duration = Duration::from_secs(60);

#[async_trait]
impl BatchProvider for OpenAi {
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError> {
        submit::submit(self, token, items).await
    }

    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError> {
        let mut after = String::new();
        loop {
            let limit = ("limit", "100");
            let query = [limit, ("after", &after)];
            let query = if after.is_empty() { &query[..1] } else { &query[..] };
            let page: Page = self.endpoint.get("batches", query, TIMEOUT).await?;
            let last = page.data.last().map(|record| record.id.clone());
            if let Some(record) = page.data.into_iter().find(|record| record.has_token(token)) {
                return Ok(Some(SubmittedBatch { id: record.id }));
            }
            match last {
                Some(last) if page.has_more && last != after => after = last,
                _ => return Ok(None),
            }
        }
    }

    fn finds_by_token(&self) -> bool {
        true
    }

    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError> {
        self.record(batch).await?.status(&self.endpoint)
    }

    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
        results::results(self, batch).await
    }

    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError> {
        let path = format!("batches/{}/cancel", batch.id);
        let Err(error) = self.endpoint.post::<Value>(&path, &json!({}), TIMEOUT).await else {
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

impl OpenAi {
    async fn record(&self, batch: &SubmittedBatch) -> Result<Record, AiError> {
        self.endpoint.get(&format!("batches/{}", batch.id), &[], TIMEOUT).await
    }
}
