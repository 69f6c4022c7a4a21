//! Batches that are answered from the script.

use async_trait::async_trait;

use super::{Line, ScriptedProvider, unfit};
use crate::ai::batch::{BatchItem, BatchProvider, BatchState, BatchStatus, ItemResult, SubmittedBatch};
use crate::ai::response::GenerateResponse;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// The batches that were handed over.
#[derive(Default)]
pub(super) struct Batches {
    taken: Vec<(String, Vec<BatchItem>, Taken)>,
    finds_by_token: bool,
}

/// What becomes of a batch.
#[derive(Clone)]
pub(super) struct Taken {
    state: BatchState,
    results: Vec<(String, Result<GenerateResponse, AiError>)>,
    /// What its submission answers although it is taken.
    lost: Option<AiError>,
}

impl ScriptedProvider {
    /// Then it takes a batch, which is in this state from then on, with these results.
    #[must_use]
    pub fn batch<I: Into<String>>(
        self,
        state: BatchState,
        results: impl IntoIterator<Item = (I, Result<GenerateResponse, AiError>)>,
    ) -> Self {
        let results = results.into_iter().map(|(id, outcome)| (id.into(), outcome)).collect();
        self.line(Line::Batch(Taken { state, results, lost: None }))
    }

    /// The same, but the answer to its submission is lost: this error comes in its place.
    #[must_use]
    pub fn batch_that_is_lost<I: Into<String>>(
        self,
        state: BatchState,
        results: impl IntoIterator<Item = (I, Result<GenerateResponse, AiError>)>,
        error: AiError,
    ) -> Self {
        let results = results.into_iter().map(|(id, outcome)| (id.into(), outcome)).collect();
        self.line(Line::Batch(Taken { state, results, lost: Some(error) }))
    }

    /// It finds batches by the token with which they were handed over.
    #[must_use]
    pub fn finds_batches(self) -> Self {
        self.lock().batches.finds_by_token = true;
        self
    }

    /// The batches that it has taken so far: their tokens and their items.
    #[must_use]
    pub fn submissions(&self) -> Vec<(String, Vec<BatchItem>)> {
        let state = self.lock();
        state.batches.taken.iter().map(|(token, items, _)| (token.clone(), items.clone())).collect()
    }

    /// From now on every batch is in this state.
    pub fn set_batch_state(&self, to: BatchState) {
        for (_, _, batch) in &mut self.lock().batches.taken {
            batch.state = to;
        }
    }

    fn taken(&self, batch: &SubmittedBatch) -> Result<Taken, AiError> {
        let number = batch.id.strip_prefix("batch-").and_then(|number| number.parse::<usize>().ok());
        let state = self.lock();
        let found = number.and_then(|number| state.batches.taken.get(number.checked_sub(1)?));
        found
            .map(|(_, _, batch)| batch.clone())
            .ok_or_else(|| AiError::new(AiErrorKind::NotFound, format!("there is no batch `{}`", batch.id)))
    }
}

#[async_trait]
impl BatchProvider for ScriptedProvider {
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError> {
        let mut state = self.lock();
        match state.script.pop_front() {
            Some(Line::Batch(batch)) => {
                let lost = batch.lost.clone();
                state.batches.taken.push((token.to_owned(), items.to_vec(), batch));
                let id = format!("batch-{}", state.batches.taken.len());
                lost.map_or(Ok(SubmittedBatch { id }), Err)
            }
            Some(Line::Failure(error)) => Err(error),
            other => Err(unfit(other.is_some(), "a batch")),
        }
    }

    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError> {
        let state = self.lock();
        if !state.batches.finds_by_token {
            return Ok(None);
        }
        let place = state.batches.taken.iter().position(|(known, _, _)| known == token);
        Ok(place.map(|place| SubmittedBatch { id: format!("batch-{}", place + 1) }))
    }

    fn finds_by_token(&self) -> bool {
        self.lock().batches.finds_by_token
    }

    async fn status(&self, batch: &SubmittedBatch) -> Result<BatchStatus, AiError> {
        let state = self.taken(batch)?.state;
        Ok(BatchStatus { state, succeeded: None, failed: None, message: None })
    }

    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
        let results = self.taken(batch)?.results.into_iter();
        Ok(results.map(|(custom_id, outcome)| ItemResult { custom_id, outcome }).collect())
    }

    async fn cancel(&self, batch: &SubmittedBatch) -> Result<(), AiError> {
        self.taken(batch)?;
        self.set_batch_state(BatchState::Cancelled);
        Ok(())
    }
}
