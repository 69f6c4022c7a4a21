//! The ledger of calls as a store keeps it: reading it, and writing what belongs to no run.

use async_trait::async_trait;

use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics};
use crate::records::AiCallRecord;
use crate::value::{CallId, RunId};

/// Reading the ledger, and calls outside of stages. What stages write in it is part of their decisions:
/// [`Change::ReserveCall`](super::Change::ReserveCall) and [`Change::SettleCall`](super::Change::SettleCall).
///
/// A topic covers itself and those below it, by whole segments: `a.b` covers `a.b.c` and not `a.bc`.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Calls of a run, of all its generations, in the order of their ids, those after `after`; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read, here and below.
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error>;

    /// Calls of a topic, in the order of their topics, then of their ids, those after `after`; at most `limit`.
    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error>;

    /// Sums over the calls of a topic.
    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error>;

    /// Writes that a call outside of every stage is about to be made. One with this id that is there already stays as
    /// it is.
    ///
    /// # Errors
    /// When the store cannot be written, here and below.
    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error>;

    /// Says what became of a call outside of every stage. One that is not `RESERVED`, or belongs to a run, stays as it
    /// is.
    async fn settle_call(&self, id: CallId, end: CallOutcome) -> Result<(), Error>;
}
