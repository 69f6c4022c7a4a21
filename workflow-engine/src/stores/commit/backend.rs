//! What a store provides to the commit engine: the operations of one transaction.

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::ports::{ClaimRequest, Decision};
use crate::stores::candidates::Selection;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;
use crate::value::{IdSet, RunId};

/// A transaction over a batch of requests. Its rows are in a working set: the store loads them, the decisions change
/// them, and the store writes the changes.
pub(in crate::stores) trait Backend: Send + Sized + 'static {
    type Failure: CommitFailure;

    /// Returns the rows of the transaction.
    fn set(&mut self) -> &mut WorkingSet;

    /// Finds the work that a claim takes.
    fn select(
        &mut self,
        claim: &ClaimRequest,
    ) -> impl Future<Output = Result<Selection, Self::Failure>> + Send;

    /// Loads rows into the working set, and returns the instant of the decisions about them.
    fn load(
        &mut self,
        footprint: &Footprint,
    ) -> impl Future<Output = Result<DateTime<Utc>, Self::Failure>> + Send;

    /// Loads a run with all its stages and jobs, under its lock.
    fn load_whole(
        &mut self,
        run_id: RunId,
    ) -> impl Future<Output = Result<DateTime<Utc>, Self::Failure>> + Send;

    /// Returns whether the outcome of a decision that was not applied is final. It is not where the rows may be older
    /// than the latest commit.
    fn is_final(&self, decision: &Decision) -> bool;

    /// Writes the changed rows. `applied` are the runs about which decisions were applied.
    fn write(
        &mut self,
        applied: &IdSet<RunId>,
    ) -> impl Future<Output = Result<Written, Self::Failure>> + Send;

    /// Runs the statements of the user in the working set.
    fn run_user_statements(&mut self) -> impl Future<Output = Result<(), Self::Failure>> + Send;
}

/// What a transaction has written. On SQLite, which has one writer, nothing can change in between.
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "SQLite always writes everything"))]
pub(in crate::stores) enum Written {
    /// All changed rows.
    Everything,
    /// Nothing.
    Nothing,
    /// All changed rows except for those of these runs, which other transactions have changed.
    Without(IdSet<RunId>),
}

/// A failure of a transaction. It is cloned for each of its requests.
pub(in crate::stores) trait CommitFailure:
    Clone + Into<Error> + std::fmt::Debug + Send
{
    /// Returns whether the cause is the state of the database, and not one of the requests.
    fn is_database_fault(&self) -> bool;

    /// Returns whether the connection was lost before anything was written.
    fn is_disconnected(&self) -> bool;

    /// Returns whether another transaction was in the way, and nothing is written.
    fn is_conflict(&self) -> bool;

    /// Returns the failure of a claim that was able to take nothing of what it has found, where a retry may find more.
    fn of_lost_claim() -> Option<Self>;
}
