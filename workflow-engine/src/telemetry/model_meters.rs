//! The numbers of calls of models.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;

use super::counter::Counter;
use super::measurements::ModelMeasurements;
use crate::value::Cost;

/// The number of models with numbers of their own: a program that makes up keys must not fill the memory.
const MAX_MODELS: usize = 200;
/// The key of all further models.
const OTHER: &str = "other";

/// The numbers of calls by the key of their model.
#[derive(Debug, Default)]
pub(crate) struct ModelMeters {
    by_model: RwLock<BTreeMap<String, Arc<Cells>>>,
    call_settled: Notify,
}

#[derive(Debug, Default)]
struct Cells {
    settled: Counter,
    failed: Counter,
    unknown: Counter,
    input_tokens: Counter,
    output_tokens: Counter,
    /// In picodollars: up to 18 million USD.
    cost: Counter,
}

/// How a call of a model has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    Settled { input_tokens: u64, output_tokens: u64, cost: Cost },
    Failed,
    Unknown,
}

impl ModelMeters {
    /// Counts the end of a call. A call takes seconds, so it may look its cells up.
    pub(crate) fn ended(&self, model_key: &str, end: CallEnd) {
        let cells = self.cells(model_key);
        match end {
            CallEnd::Settled { input_tokens, output_tokens, cost } => {
                cells.settled.increment();
                cells.input_tokens.add(input_tokens);
                cells.output_tokens.add(output_tokens);
                cells.cost.add(u64::try_from(cost.picodollars()).unwrap_or_default());
            }
            CallEnd::Failed => cells.failed.increment(),
            CallEnd::Unknown => cells.unknown.increment(),
        }
    }

    /// Notes that the outcome of a call is known.
    pub(crate) fn settled(&self) {
        self.call_settled.notify_one();
    }

    /// Waits until a call was settled since the last wait. One task may wait.
    pub(crate) async fn call_settled(&self) {
        self.call_settled.notified().await;
    }

    fn cells(&self, model_key: &str) -> Arc<Cells> {
        if let Some(cells) = self.by_model.read().unwrap_or_else(PoisonError::into_inner).get(model_key) {
            return Arc::clone(cells);
        }
        let mut all = self.by_model.write().unwrap_or_else(PoisonError::into_inner);
        let key = if all.len() < MAX_MODELS { model_key } else { OTHER };
        Arc::clone(all.entry(key.to_owned()).or_default())
    }

    pub(super) fn snapshot(&self) -> Vec<ModelMeasurements> {
        let all = self.by_model.read().unwrap_or_else(PoisonError::into_inner);
        let model = |(key, cells): (&String, &Arc<Cells>)| ModelMeasurements {
            model: key.clone(),
            settled: cells.settled.get(),
            failed: cells.failed.get(),
            unknown: cells.unknown.get(),
            input_tokens: cells.input_tokens.get(),
            output_tokens: cells.output_tokens.get(),
            cost: Cost::from_picodollars(i64::try_from(cells.cost.get()).unwrap_or(i64::MAX)),
        };
        all.iter().map(model).collect()
    }
}
