//! Signals of a store whose process dies.

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{SignalWaitQuery, Signals};
use crate::records::{SignalRecord, SignalWait};
use crate::value::{RunId, StageKey};

#[async_trait]
impl Signals for CrashingStore {
    async fn signals(&self, run_id: RunId, stage_key: Option<&StageKey>) -> Result<Vec<SignalRecord>, Error> {
        self.alive()?.signals(run_id, stage_key).await
    }

    async fn next_signal(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<SignalRecord>, Error> {
        self.alive()?.next_signal(run_id, stage_key).await
    }

    async fn suspended_definitions(&self) -> Result<Vec<String>, Error> {
        self.alive()?.suspended_definitions().await
    }

    async fn signal_waits(&self, query: &SignalWaitQuery) -> Result<Vec<SignalWait>, Error> {
        self.alive()?.signal_waits(query).await
    }
}
