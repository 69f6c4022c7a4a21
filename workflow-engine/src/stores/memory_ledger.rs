//! A ledger in memory, for tests and for programs without a store.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::calls::{ReservedRow, SettledRow, covers};
use crate::error::Error;
use crate::ledger::{
    BatchNames, BatchRows, CallLedger, CallOutcome, CallReservation, CallStatistics, CallSums,
};
use crate::ports::{Clock, SystemClock};
use crate::records::{AiCallRecord, CallStatus};
use crate::value::{CallId, Cost};

/// A ledger that holds calls in memory, where a test can read them. They are lost when the process ends.
///
/// ```
/// use std::sync::Arc;
/// use workflow_engine::ai::{AiClient, AiSession, MemoryLedger, ScriptedProvider, Usage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::ai::AiError> {
/// let usage = Usage { input_tokens: 1_000, cached_input_tokens: 0, output_tokens: 200 };
/// let provider = ScriptedProvider::new("google").text("Because.", usage);
/// let client = AiClient::builder().provider(provider).build()?;
/// let ledger = Arc::new(MemoryLedger::new());
///
/// let response = AiSession::new(&client, "playground", ledger.clone())
///     .generate_text("gemini-2.5-flash", "Why?")
///     .await?;
/// assert_eq!(response.text, "Because.");
/// assert_eq!(ledger.calls()[0].cost.to_string(), "0.0008 USD");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct MemoryLedger {
    calls: Mutex<BTreeMap<CallId, AiCallRecord>>,
    budget: Option<Cost>,
}

impl MemoryLedger {
    /// Creates an empty ledger without a budget.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty ledger with a budget. A call whose maximum cost, added to all settled and reserved costs, exceeds
    /// the budget is refused with `BUDGET_EXCEEDED`.
    #[must_use]
    pub fn with_budget(budget: Cost) -> Self {
        Self { budget: Some(budget), ..Self::default() }
    }

    /// Returns the calls, in the order in which they were reserved.
    #[must_use]
    pub fn calls(&self) -> Vec<AiCallRecord> {
        let mut calls: Vec<AiCallRecord> = self.lock().values().cloned().collect();
        calls.sort_by_key(|call| call.id);
        calls
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CallId, AiCallRecord>> {
        // Nothing panics under this lock.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CallLedger for MemoryLedger {
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error> {
        let mut calls = self.lock();
        if let Some(budget) = self.budget {
            let committed: Cost = calls.values().map(|call| call.cost + call.reserved).sum();
            if committed + call.reserve > budget {
                return Err(Error::over_memory_budget(budget, committed, call.reserve));
            }
        }
        let id = CallId::generate();
        calls.insert(id, ReservedRow::without_stage(id, call, SystemClock.now()).record);
        Ok(id)
    }

    async fn settle(&self, call: CallId, outcome: CallOutcome) -> Result<(), Error> {
        if let Some(record) = self.lock().get_mut(&call) {
            SettledRow::new(call, outcome, SystemClock.now()).apply_to(record);
        }
        Ok(())
    }

    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        let mut statistics = CallStatistics::default();
        let mut by_model: BTreeMap<String, CallSums> = BTreeMap::new();
        for call in self.lock().values().filter(|call| covers(topic, &call.topic)) {
            add(&mut statistics.total, call);
            add(by_model.entry(call.model_key.clone()).or_default(), call);
        }
        statistics.by_model = by_model.into_iter().collect();
        Ok(statistics)
    }

    async fn rows_of_batch(&self, topic: &str, batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        let mut rows = BatchRows::new(batch);
        self.lock().values().filter(|call| call.topic == topic).for_each(|call| rows.add(call));
        Ok(rows.found())
    }
}

fn add(sums: &mut CallSums, call: &AiCallRecord) {
    sums.calls += 1;
    match call.outcome {
        CallStatus::Settled => sums.settled += 1,
        CallStatus::Failed => sums.failed += 1,
        CallStatus::Unknown => sums.unknown += 1,
        CallStatus::Reserved => {}
    }
    sums.input_tokens = sums.input_tokens.saturating_add(call.input_tokens);
    sums.cached_input_tokens = sums.cached_input_tokens.saturating_add(call.cached_input_tokens);
    sums.output_tokens = sums.output_tokens.saturating_add(call.output_tokens);
    sums.cost += call.cost;
    sums.reserved += call.reserved;
}
