//! Signals: the queues of the stages that wait for them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::change::Change;
use crate::error::Error;
use crate::records::{SignalRecord, SignalWait};
use crate::value::RunId;

/// Reads signals, which commits write: [`Change::Signal`](super::Change::Signal) puts one into the queue of its stage, and
/// [`Change::ConsumeSignal`](super::Change::ConsumeSignal) takes the oldest.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Returns the signals of a stage of the run, or of all stages: by stage and number, consumed ones included.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read.
    async fn signals(&self, run_id: RunId, stage_id: Option<&str>) -> Result<Vec<SignalRecord>, Error>;

    /// Returns the oldest signal of the stage that no wait has consumed.
    async fn next_signal(&self, run_id: RunId, stage_id: &str) -> Result<Option<SignalRecord>, Error>;

    /// Returns the fingerprints of the definitions that have a suspended stage, sorted.
    async fn suspended_definitions(&self) -> Result<Vec<String>, Error>;

    /// Returns stages that are suspended and have no signal in their queue: by deadline, run and stage, at most
    /// `query.limit`.
    async fn signal_waits(&self, query: &SignalWaitQuery) -> Result<Vec<SignalWait>, Error>;
}

/// A question for stages that wait for a signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalWaitQuery {
    /// The stages that wait for signals: fingerprint of the definition, and id of the stage. Others are not returned.
    pub stages: Vec<(String, String)>,
    /// The last wait of the previous page: deadline, run and stage.
    pub after: Option<(DateTime<Utc>, RunId, String)>,
    /// The most waits to return.
    pub limit: usize,
}

impl Change {
    /// The most signals that a stage's queue holds.
    pub const MAX_SIGNALS: u64 = 1_000;
}
