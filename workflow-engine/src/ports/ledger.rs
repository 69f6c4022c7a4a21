//! The ledger of model calls: reading it, and writing calls that belong to no run.

use async_trait::async_trait;

use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics};
use crate::records::AiCallRecord;
use crate::value::{CallId, RunId};

/// Reads the ledger, and writes calls that are made outside of stages. The calls of stages are part of their decisions:
/// [`Change::ReserveCall`](super::Change::ReserveCall) and [`Change::SettleCall`](super::Change::SettleCall).
///
/// A topic covers itself and the topics below it, by whole segments: `a.b` covers `a.b.c` and not `a.bc`.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Returns calls of a run, of all its generations, in the order of their ids: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// All methods that read fail when the store cannot be read.
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error>;

    /// Returns calls of a topic, in the order of their topics, then of their ids: those after `after`, at most `limit`.
    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error>;

    /// Returns sums over the calls of a topic.
    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error>;

    /// Inserts a call outside of every stage before it is made. A call with this id that exists already does not
    /// change.
    ///
    /// # Errors
    /// This method and the next fail when the store cannot be written.
    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error>;

    /// Writes the outcome of a call outside of every stage. A call that is already `SETTLED` or `FAILED`, or that
    /// belongs to a run, does not change.
    async fn settle_call(&self, id: CallId, end: CallOutcome) -> Result<(), Error>;

    /// Adds calls that are `SETTLED` or `FAILED` to the sums of their hour, workflow, stage and model, each call once; at
    /// most `limit`. Returns their number. [`Retention::purge_runs`](super::Retention::purge_runs) does so with the calls
    /// that it deletes, also with `UNKNOWN` ones, so that costs outlive their runs.
    async fn roll_up_calls(&self, limit: usize) -> Result<usize, Error>;
}
