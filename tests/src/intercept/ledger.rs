//! The calls of models behind an interceptor.

use async_trait::async_trait;
use workflow_engine::ledger::{CallId, CallOutcome, CallReservation, CallStatistics};
use workflow_engine::ports::Ledger;
use workflow_engine::records::AiCallRecord;
use workflow_engine::{Error, RunId};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Ledger for Intercepted<I> {
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        self.read("calls_of_run", self.store.calls_of_run(run_id, after, limit)).await
    }

    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        self.read("calls_of_topic", self.store.calls_of_topic(topic, after, limit)).await
    }

    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.read("call_statistics", self.store.call_statistics(topic)).await
    }

    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error> {
        self.write("reserve_call", self.store.reserve_call(id, call)).await
    }

    async fn settle_call(&self, id: CallId, end: CallOutcome) -> Result<(), Error> {
        self.write("settle_call", self.store.settle_call(id, end)).await
    }

    async fn roll_up_calls(&self, limit: usize) -> Result<usize, Error> {
        self.write("roll_up_calls", self.store.roll_up_calls(limit)).await
    }
}
