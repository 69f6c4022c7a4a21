//! Scripted batches.

use async_trait::async_trait;

use super::{Entry, ScriptedProvider, unfit};
use crate::ai::batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
use crate::ai::response::GenerateResponse;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// The batches that were submitted.
#[derive(Default)]
pub(super) struct Batches {
    /// Token, items, and script entry of each.
    submitted: Vec<(String, Vec<BatchItem>, ScriptedBatch)>,
    finds_by_token: bool,
}

/// A batch as the script describes it.
#[derive(Clone)]
pub(super) struct ScriptedBatch {
    state: BatchState,
    results: Vec<(String, Result<GenerateResponse, AiError>)>,
    /// The error that the submission returns although the batch is accepted.
    lost: Option<AiError>,
}

impl ScriptedProvider {
    /// Appends a batch with this state and these results.
    #[must_use]
    pub fn batch<I: Into<String>>(
        self,
        state: BatchState,
        results: impl IntoIterator<Item = (I, Result<GenerateResponse, AiError>)>,
    ) -> Self {
        let results = results.into_iter().map(|(id, outcome)| (id.into(), outcome)).collect();
        self.push(Entry::Batch(ScriptedBatch { state, results, lost: None }))
    }

    /// Appends a batch that is accepted, but whose submission returns this error, as if the response had been lost.
    #[must_use]
    pub fn lost_batch<I: Into<String>>(
        self,
        state: BatchState,
        results: impl IntoIterator<Item = (I, Result<GenerateResponse, AiError>)>,
        error: AiError,
    ) -> Self {
        let results = results.into_iter().map(|(id, outcome)| (id.into(), outcome)).collect();
        self.push(Entry::Batch(ScriptedBatch { state, results, lost: Some(error) }))
    }

    /// Makes the provider find batches by the token of their submission.
    #[must_use]
    pub fn finds_batches(self) -> Self {
        self.lock().batches.finds_by_token = true;
        self
    }

    /// Returns the tokens and the items of the batches submitted so far.
    #[must_use]
    pub fn submissions(&self) -> Vec<(String, Vec<BatchItem>)> {
        let state = self.lock();
        state.batches.submitted.iter().map(|(token, items, _)| (token.clone(), items.clone())).collect()
    }

    /// Changes the state of all batches.
    pub fn set_batch_state(&self, to: BatchState) {
        for (_, _, batch) in &mut self.lock().batches.submitted {
            batch.state = to;
        }
    }

    fn batch_of(&self, batch: &SubmittedBatch) -> Result<ScriptedBatch, AiError> {
        let number = batch.id.strip_prefix("batch-").and_then(|number| number.parse::<usize>().ok());
        let state = self.lock();
        let found = number.and_then(|number| state.batches.submitted.get(number.checked_sub(1)?));
        found.map(|(_, _, batch)| batch.clone()).ok_or_else(|| {
            AiError::new(AiErrorKind::NotFound, format!("batch `{}` does not exist", batch.id))
        })
    }
}

#[async_trait]
impl BatchProvider for ScriptedProvider {
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError> {
        let mut state = self.lock();
        match state.script.pop_front() {
            Some(Entry::Batch(batch)) => {
                let lost = batch.lost.clone();
                state.batches.submitted.push((token.to_owned(), items.to_vec(), batch));
                let id = format!("batch-{}", state.batches.submitted.len());
                lost.map_or(Ok(SubmittedBatch { id }), Err)
            }
            Some(Entry::Failure(error)) => Err(error),
            other => Err(unfit(other.is_some(), "a batch")),
        }
    }

    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError> {
        let state = self.lock();
        if !state.batches.finds_by_token {
            return Ok(None);
        }
        let index = state.batches.submitted.iter().position(|(submitted, ..)| submitted == token);
        Ok(index.map(|index| SubmittedBatch { id: format!("batch-{}", index + 1) }))
    }

    fn finds_by_token(&self) -> bool {
        self.lock().batches.finds_by_token
    }

    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError> {
        let state = self.batch_of(batch)?.state;
        Ok(BatchStatus { state, succeeded: None, failed: None, message: None })
    }

    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
        let results = self.batch_of(batch)?.results.into_iter();
        Ok(results.map(|(custom_id, outcome)| ItemResult { custom_id, outcome }).collect())
    }

    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError> {
        self.batch_of(batch)?;
        self.set_batch_state(BatchState::Cancelled);
        Ok(())
    }
}
