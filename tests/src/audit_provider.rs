//! An AI provider that follows fixed rules, keeps its own log, and checks the ledger before it responds.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use workflow_engine::Cost;
use workflow_engine::RunId;
use workflow_engine::ai::{
    AiClient, AiError, AiErrorKind, AiProvider, BatchItem, BatchProvider, BatchState, BatchStatus,
    EmbedRequest, EmbedResponse, FinishReason, GenerateRequest, GenerateResponse, GenerateStream, ItemResult,
    ModelConfig, ModelRegistry, SubmittedBatch,
};
use workflow_engine::ledger::CallId;
use workflow_engine::ports::Store;
use workflow_engine::prelude::*;
use workflow_engine::records::{AiCallRecord, CallStatus, CallType};

use crate::models::{round, usage};

/// The cost of each response in picodollars: 10 tokens each way.
pub const PRICE: i64 = 50_000_000;

/// The provider. Its log outlives the processes that call it.
#[derive(Clone)]
pub struct AuditProvider {
    store: Arc<dyn Store>,
    finds: bool,
    ending: BatchState,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    /// The ledger rows of the received requests, and the true cost of each in picodollars.
    received: HashMap<CallId, i64>,
    /// The number of requests of each kind and prompt.
    counts: HashMap<String, u32>,
    batches: Vec<(String, Vec<BatchItem>, Vec<CallId>)>,
}

/// Makes a prompt that names the run and the stage.
pub fn prompt(ctx: &StageContext) -> String {
    format!("{}|{}", ctx.run_id(), ctx.stage_id())
}

impl AuditProvider {
    /// Makes a provider that checks the ledger in `store`. Its batches reach the state `ending` immediately; `finds`
    /// decides whether it finds them by token.
    pub fn new(store: &Arc<dyn Store>, finds: bool, ending: BatchState) -> Self {
        Self { store: Arc::clone(store), finds, ending, log: Arc::default() }
    }

    /// Makes a client of this provider, with the model `m` for text and `e` for vectors.
    pub fn client(&self) -> AiClient {
        let vectors = ModelConfig { is_embedding_model: true, ..round() };
        let builder =
            AiClient::builder().models(ModelRegistry::new()).model("m", round()).model("e", vectors);
        builder.provider(self.clone()).build().expect("the client is valid")
    }

    /// Returns the ledger rows of the accepted batches, batch by batch.
    pub fn batches(&self) -> Vec<Vec<CallId>> {
        self.log().batches.iter().map(|(_, _, rows)| rows.clone()).collect()
    }

    /// Returns the number of received requests.
    pub fn requests(&self) -> usize {
        self.log().received.len()
    }

    /// Asserts that the ledger of a terminal run agrees with the log of the provider.
    pub async fn verify_ledger<W: Workflow>(&self, run: &RunHandle<W>, context: &str) {
        let rows = run.ai_calls().limit(1_000).await.expect("the store is available");
        let costs = run.cost_summary().await.expect("the store is available");
        let log = self.log();
        let ids: BTreeSet<CallId> = rows.iter().map(|row| row.id).collect();
        assert!(log.received.keys().all(|id| ids.contains(id)), "{context}: a request has no row");
        let sum = |of: fn(&AiCallRecord) -> Cost| rows.iter().map(of).sum::<Cost>().picodollars();
        let (cost, reserved) = (sum(|row| row.cost), sum(|row| row.reserved));
        for row in &rows {
            let was_received = log.received.contains_key(&row.id);
            let fits = match row.outcome {
                CallStatus::Reserved => false,
                CallStatus::Settled => was_received && row.cost.picodollars() == log.received[&row.id],
                CallStatus::Failed => {
                    row.cost == Cost::ZERO && log.received.get(&row.id).is_none_or(|cost| *cost == 0)
                }
                CallStatus::Unknown => row.reserved.picodollars() >= PRICE / 2,
            };
            assert!(fits, "{context}: received: {was_received}, {row:?}");
        }
        let truth: i64 = log.received.values().sum();
        assert!(
            cost <= truth && truth <= cost + reserved,
            "{context}: settled {cost} and reserved {reserved}, but the true cost is {truth}"
        );
        assert_eq!(
            (costs.cost.picodollars(), costs.reserved.picodollars(), costs.pending_calls),
            (cost, reserved, 0),
            "{context}"
        );
    }

    /// Returns the single ledger row that was written for this request before it was sent, and asserts that the run has
    /// not exceeded its budget.
    async fn receive(&self, prompt: &str, call_type: CallType, custom_id: Option<&str>) -> CallId {
        let (run, stage) = prompt.split_once('|').expect("a prompt of these tests");
        let run: RunId = run.parse().expect("a prompt of these tests");
        let rows = self.store.calls_of_run(run, None, 1_000).await.expect("the store is available");
        let spending =
            self.store.run(run).await.expect("the store is available").expect("the run exists").spending;
        let log = self.log();
        let used = spending.cost + spending.reserved;
        assert!(spending.budget.is_none_or(|budget| used <= budget), "{used} are settled and reserved");
        let is_match = |row: &&AiCallRecord| {
            let metadata = row.metadata.as_ref().map_or("", |metadata| metadata.as_str());
            row.outcome == CallStatus::Reserved
                && row.stage_id.as_deref() == Some(stage)
                && row.call_type == call_type
                && custom_id.is_none_or(|id| metadata.contains(&format!("\"{id}\"")))
                && !log.received.contains_key(&row.id)
        };
        let rows: Vec<CallId> = rows.iter().filter(is_match).map(|row| row.id).collect();
        assert_eq!(rows.len(), 1, "a request of {stage} has the rows {rows:?}");
        rows[0]
    }

    /// Fails the first request of each kind and prompt, and accepts later ones.
    async fn take(&self, prompt: &str, call_type: CallType) -> Result<(), AiError> {
        let row = self.receive(prompt, call_type, None).await;
        let mut log = self.log();
        let count = log.counts.entry(format!("{call_type:?} {prompt}")).or_default();
        *count += 1;
        let error = (*count == 1).then(|| match call_type {
            CallType::Text => AiError::new(AiErrorKind::RateLimited, "slowly").with_status(429),
            CallType::Embed => AiError::new(AiErrorKind::Overloaded, "later").with_status(529),
            _ => AiError::new(AiErrorKind::Timeout, "no response"),
        });
        let is_free = error.as_ref().is_some_and(|error| error.status().is_some());
        log.received.insert(row, if is_free { 0 } else { PRICE });
        error.map_or(Ok(()), |error| Err(error.with_retry_after(Duration::ZERO)))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("a request has panicked: it had no row, or several, or exceeded the budget")
    }
}

fn text_of(request: &GenerateRequest) -> String {
    request.messages.last().map(workflow_engine::ai::Message::text).unwrap_or_default()
}

fn response(text: &str) -> GenerateResponse {
    GenerateResponse {
        text: text.into(),
        reasoning: None,
        tool_calls: Vec::new(),
        usage: usage(10, 10),
        finish_reason: FinishReason::Stop,
    }
}

#[async_trait]
impl AiProvider for AuditProvider {
    fn id(&self) -> &'static str {
        "test"
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        let kind = if request.schema.is_some() { CallType::Object } else { CallType::Text };
        self.take(&text_of(request), kind).await?;
        Ok(response(r#"{"good": true}"#))
    }

    async fn stream(&self, _: &GenerateRequest) -> Result<GenerateStream, AiError> {
        Err(AiError::new(AiErrorKind::Unsupported, "the provider does not stream"))
    }

    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        self.take(&request.texts[0], CallType::Embed).await?;
        Ok(EmbedResponse { embeddings: vec![vec![0.5]], usage: usage(10, 10) })
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        Some(self)
    }
}

#[async_trait]
impl BatchProvider for AuditProvider {
    async fn submit(&self, token: &str, items: &[BatchItem]) -> Result<SubmittedBatch, AiError> {
        let mut rows = Vec::new();
        for item in items {
            rows.push(self.receive(&text_of(&item.request), CallType::Batch, Some(&item.custom_id)).await);
        }
        let mut log = self.log();
        for (place, row) in rows.iter().enumerate() {
            let cost = if self.has_result(place) { PRICE / 2 } else { 0 };
            log.received.insert(*row, cost);
        }
        log.batches.push((token.to_owned(), items.to_vec(), rows));
        Ok(SubmittedBatch { id: format!("batch-{}", log.batches.len()) })
    }

    async fn find(&self, token: &str) -> Result<Option<SubmittedBatch>, AiError> {
        let log = self.log();
        let place = log.batches.iter().position(|(known, ..)| self.finds && known == token);
        Ok(place.map(|place| SubmittedBatch { id: format!("batch-{}", place + 1) }))
    }

    fn finds_by_token(&self) -> bool {
        self.finds
    }

    async fn status(&self, _: &SubmittedBatch) -> Result<BatchStatus, AiError> {
        let message = (self.ending == BatchState::Failed).then(|| "line 1: no such model".to_owned());
        Ok(BatchStatus { state: self.ending, succeeded: None, failed: None, message })
    }

    async fn results(&self, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
        let number: usize =
            batch.id.trim_start_matches("batch-").parse().expect("the id of a batch of this provider");
        let log = self.log();
        let items = log.batches[number - 1].1.iter().enumerate().filter(|(place, _)| self.has_result(*place));
        let outcome = |place| if place == 1 { "no" } else { "yes" };
        Ok(items
            .map(|(place, item)| ItemResult {
                custom_id: item.custom_id.clone(),
                outcome: Ok(response(outcome(place))),
            })
            .collect())
    }

    async fn cancel(&self, _: &SubmittedBatch) -> Result<(), AiError> {
        Ok(())
    }
}

impl AuditProvider {
    /// Whether an item has a result: every item of a completed batch, the first item of one that expired or was
    /// cancelled, and no item of a failed one.
    fn has_result(&self, place: usize) -> bool {
        match self.ending {
            BatchState::Failed => false,
            BatchState::Expired | BatchState::Cancelled => place == 0,
            _ => true,
        }
    }
}
