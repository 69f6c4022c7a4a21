//! The ledger of a store that dies.

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics};
use crate::ports::Ledger;
use crate::records::AiCallRecord;
use crate::value::{CallId, RunId};

#[async_trait]
impl Ledger for CrashingStore {
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        self.alive()?.calls_of_run(run_id, after, limit).await
    }

    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        self.alive()?.calls_of_topic(topic, after, limit).await
    }

    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.alive()?.call_statistics(topic).await
    }

    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error> {
        self.write(|| "a call of a model".to_owned(), self.inner.reserve_call(id, call)).await
    }

    async fn settle_call(&self, id: CallId, end: CallOutcome) -> Result<(), Error> {
        self.write(|| "the result of a call of a model".to_owned(), self.inner.settle_call(id, end)).await
    }

    async fn roll_up_calls(&self, limit: usize) -> Result<usize, Error> {
        self.write(|| "sums of calls".to_owned(), self.inner.roll_up_calls(limit)).await
    }
}
