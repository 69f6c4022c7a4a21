//! Signals of a store behind an interceptor.

use async_trait::async_trait;
use workflow_engine::ports::{SignalWaitQuery, Signals};
use workflow_engine::records::{SignalRecord, SignalWait};
use workflow_engine::{Error, RunId, StageKey};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Signals for Intercepted<I> {
    async fn signals(&self, run_id: RunId, stage_key: Option<&StageKey>) -> Result<Vec<SignalRecord>, Error> {
        self.read("signals", self.store.signals(run_id, stage_key)).await
    }

    async fn next_signal(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<SignalRecord>, Error> {
        self.read("next_signal", self.store.next_signal(run_id, stage_key)).await
    }

    async fn suspended_definitions(&self) -> Result<Vec<String>, Error> {
        self.read("suspended_definitions", self.store.suspended_definitions()).await
    }

    async fn signal_waits(&self, query: &SignalWaitQuery) -> Result<Vec<SignalWait>, Error> {
        self.read("signal_waits", self.store.signal_waits(query)).await
    }
}
