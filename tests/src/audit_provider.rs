//! A provider that answers by rule, keeps a log of its own, and looks into the ledger before it answers.

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

/// What everything that it answers has taken: 10 tokens each way.
pub const PRICE: i64 = 50_000_000;

/// The provider. Its log stays, whatever becomes of those who ask.
#[derive(Clone)]
pub struct AuditProvider {
    store: Arc<dyn Store>,
    finds: bool,
    ending: BatchState,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    /// The rows of the requests that have come in, and what each has cost in truth.
    heard: HashMap<CallId, i64>,
    /// How often each thing was asked for.
    asked: HashMap<String, u32>,
    batches: Vec<(String, Vec<BatchItem>, Vec<CallId>)>,
}

/// Whose prompt it is: the first half names the run, the second the stage.
pub fn prompt(ctx: &StageContext) -> String {
    format!("{}|{}", ctx.run_id(), ctx.stage_id())
}

impl AuditProvider {
    /// One that looks into this store. Its batches are at once what they come to; `finds` says whether it finds them
    /// by token.
    pub fn new(store: &Arc<dyn Store>, finds: bool, ending: BatchState) -> Self {
        Self { store: Arc::clone(store), finds, ending, log: Arc::default() }
    }

    /// A client of it, with the model `m` for text and `e` for vectors.
    pub fn client(&self) -> AiClient {
        let vectors = ModelConfig { is_embedding_model: true, ..round() };
        let builder =
            AiClient::builder().models(ModelRegistry::new()).model("m", round()).model("e", vectors);
        builder.provider(self.clone()).build().expect("two models of one provider")
    }

    /// The rows of the batches that it has taken, batch by batch.
    pub fn batches(&self) -> Vec<Vec<CallId>> {
        self.log().batches.iter().map(|(_, _, rows)| rows.clone()).collect()
    }

    /// How many requests have come in.
    pub fn requests(&self) -> usize {
        self.log().heard.len()
    }

    /// Holds the ledger of a run that is over against its own log.
    pub async fn verify_ledger<W: Workflow>(&self, run: &RunHandle<W>, told: &str) {
        let rows = run.ai_calls(None, 1_000).await.expect("the store is there");
        let costs = run.cost_summary().await.expect("the store is there");
        let log = self.log();
        let ids: BTreeSet<CallId> = rows.iter().map(|row| row.id).collect();
        assert!(log.heard.keys().all(|id| ids.contains(id)), "{told}: a request has no row");
        let sum = |of: fn(&AiCallRecord) -> Cost| rows.iter().map(of).sum::<Cost>().picodollars();
        let (cost, reserved) = (sum(|row| row.cost), sum(|row| row.reserved));
        for row in &rows {
            let was_heard = log.heard.contains_key(&row.id);
            let fits = match row.outcome {
                CallStatus::Reserved => false,
                CallStatus::Settled => was_heard && row.cost.picodollars() == log.heard[&row.id],
                CallStatus::Failed => {
                    row.cost == Cost::ZERO && log.heard.get(&row.id).is_none_or(|cost| *cost == 0)
                }
                CallStatus::Unknown => row.reserved.picodollars() >= PRICE / 2,
            };
            assert!(fits, "{told}: heard: {was_heard}, {row:?}");
        }
        let truth: i64 = log.heard.values().sum();
        assert!(cost <= truth && truth <= cost + reserved, "{told}: {cost} and {reserved} of {truth}");
        assert_eq!(
            (costs.cost.picodollars(), costs.reserved.picodollars(), costs.pending_calls),
            (cost, reserved, 0),
            "{told}"
        );
    }

    /// The one row that was written before this request left, and that no request before it had. At no request is more
    /// spent and reserved than the run may spend.
    async fn hear(&self, prompt: &str, call_type: CallType, custom_id: Option<&str>) -> CallId {
        let (run, stage) = prompt.split_once('|').expect("a prompt of these tests");
        let run: RunId = run.parse().expect("a prompt of these tests");
        let rows = self.store.calls_of_run(run, None, 1_000).await.expect("the store is there");
        let spending = self.store.run(run).await.expect("the store is there").expect("it asks").spending;
        let log = self.log();
        let taken = spending.cost + spending.reserved;
        assert!(spending.budget.is_none_or(|budget| taken <= budget), "{taken} are spent and reserved");
        let is_it = |row: &&AiCallRecord| {
            let metadata = row.metadata.as_ref().map_or("", |metadata| metadata.as_str());
            row.outcome == CallStatus::Reserved
                && row.stage_id.as_deref() == Some(stage)
                && row.call_type == call_type
                && custom_id.is_none_or(|id| metadata.contains(&format!("\"{id}\"")))
                && !log.heard.contains_key(&row.id)
        };
        let rows: Vec<CallId> = rows.iter().filter(is_it).map(|row| row.id).collect();
        assert_eq!(rows.len(), 1, "a request of {stage} has {rows:?}");
        rows[0]
    }

    /// What happens to the first request of its kind, and to those after it.
    async fn take(&self, prompt: &str, call_type: CallType) -> Result<(), AiError> {
        let row = self.hear(prompt, call_type, None).await;
        let mut log = self.log();
        let asked = log.asked.entry(format!("{call_type:?} {prompt}")).or_default();
        *asked += 1;
        let error = (*asked == 1).then(|| match call_type {
            CallType::Text => AiError::new(AiErrorKind::RateLimited, "slowly").with_status(429),
            CallType::Embed => AiError::new(AiErrorKind::Overloaded, "later").with_status(529),
            _ => AiError::new(AiErrorKind::Timeout, "nothing was heard"),
        });
        let is_free = error.as_ref().is_some_and(|error| error.status().is_some());
        log.heard.insert(row, if is_free { 0 } else { PRICE });
        error.map_or(Ok(()), |error| Err(error.with_retry_after(Duration::ZERO)))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("a request has panicked: it had no row, or several, or was over the budget")
    }
}

fn text_of(request: &GenerateRequest) -> String {
    request.messages.last().map(workflow_engine::ai::Message::text).unwrap_or_default()
}

fn answer(text: &str) -> GenerateResponse {
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
        Ok(answer(r#"{"good": true}"#))
    }

    async fn stream(&self, _: &GenerateRequest) -> Result<GenerateStream, AiError> {
        Err(AiError::new(AiErrorKind::Unsupported, "it does not stream"))
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
            rows.push(self.hear(&text_of(&item.request), CallType::Batch, Some(&item.custom_id)).await);
        }
        let mut log = self.log();
        for (place, row) in rows.iter().enumerate() {
            let cost = if self.is_answered(place) { PRICE / 2 } else { 0 };
            log.heard.insert(*row, cost);
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
        let number: usize = batch.id.trim_start_matches("batch-").parse().expect("one of its batches");
        let log = self.log();
        let items =
            log.batches[number - 1].1.iter().enumerate().filter(|(place, _)| self.is_answered(*place));
        let outcome = |place| if place == 1 { "no" } else { "yes" };
        Ok(items
            .map(|(place, item)| ItemResult {
                custom_id: item.custom_id.clone(),
                outcome: Ok(answer(outcome(place))),
            })
            .collect())
    }

    async fn cancel(&self, _: &SubmittedBatch) -> Result<(), AiError> {
        Ok(())
    }
}

impl AuditProvider {
    /// Of a batch that is completed every item; of one that was stopped the first; of one that failed none.
    fn is_answered(&self, place: usize) -> bool {
        match self.ending {
            BatchState::Failed => false,
            BatchState::Expired | BatchState::Cancelled => place == 0,
            _ => true,
        }
    }
}
