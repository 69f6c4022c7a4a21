//! The ledger for calls of models outside of a stage, and the form in which every ledger stores a call.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;
use crate::ledger::BatchRows;
use crate::ledger::{BatchNames, CallLedger, CallOutcome, CallReservation, CallStatistics, SettledCall};
use crate::ports::Store;
use crate::telemetry::Meters;
use crate::value::CallId;
use crate::value::limits::truncate;

/// How many rows are read at a time.
pub(super) const PAGE: usize = 1_000;

/// The ledger for calls outside of a stage.
pub(super) struct KernelLedger(Arc<dyn Store>, Arc<Meters>);

impl KernelLedger {
    pub(super) fn new(store: &Arc<dyn Store>, meters: &Arc<Meters>) -> Self {
        Self(Arc::clone(store), Arc::clone(meters))
    }
}

#[async_trait]
impl CallLedger for KernelLedger {
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error> {
        let id = CallId::generate();
        self.0.reserve_call(id, storable_reservation(call)?).await?;
        Ok(id)
    }

    async fn settle(&self, call: CallId, outcome: CallOutcome) -> Result<(), Error> {
        self.0.settle_call(call, storable_outcome(outcome)).await?;
        self.1.models.settled();
        Ok(())
    }

    fn count(&self, model_key: &str, outcome: &CallOutcome) {
        count_call(&self.1, model_key, outcome);
    }

    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.0.call_statistics(topic).await
    }

    async fn rows_of_batch(&self, topic: &str, batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        let mut rows = BatchRows::new(batch);
        let mut after = None;
        loop {
            let page = self.0.calls_of_topic(topic, after, PAGE).await?;
            page.iter().filter(|call| call.topic == topic).for_each(|call| rows.add(call));
            match page.last() {
                // Rows are sorted by topic, so those of subtopics come last.
                Some(last) if page.len() == PAGE && last.topic == topic => {
                    after = Some((last.topic.clone(), last.id));
                }
                _ => return Ok(rows.found()),
            }
        }
    }
}

/// Counts the outcome of a call.
pub(super) fn count_call(meters: &Meters, model_key: &str, outcome: &CallOutcome) {
    meters.models.ended(model_key, outcome.end());
}

/// Checks the topic of a call, and truncates its texts to what the store accepts.
pub(super) fn storable_reservation(call: CallReservation) -> Result<CallReservation, Error> {
    let topic = &call.topic;
    let is_topic = topic.len() <= Error::MAX_TOPIC_BYTES
        && topic.split('.').all(|segment| !segment.is_empty())
        && !topic.chars().any(char::is_control);
    if !is_topic {
        return Err(Error::invalid_topic(topic));
    }
    let prompt = call.prompt.map(truncate::call_text);
    Ok(CallReservation { prompt, metadata: call.metadata.map(truncate::fields), ..call })
}

/// Truncates the texts of a call's outcome to what the store accepts.
pub(super) fn storable_outcome(outcome: CallOutcome) -> CallOutcome {
    match outcome {
        CallOutcome::Settled(settled) => CallOutcome::Settled(SettledCall {
            response: settled.response.map(truncate::call_text),
            metadata: settled.metadata.map(truncate::fields),
            ..settled
        }),
        CallOutcome::Failed { error } => CallOutcome::Failed { error: truncate::error_text(&error) },
        CallOutcome::Unknown { error } => CallOutcome::Unknown { error: truncate::error_text(&error) },
    }
}
