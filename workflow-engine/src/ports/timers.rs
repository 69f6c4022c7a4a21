//! The instants that runs have to keep: starts and deadlines.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::records::RunRecord;
use crate::value::RunId;

/// Finds runs whose start or deadline has come. [`Change::SetTimes`](super::Change::SetTimes) sets both; a rerun, and the
/// end of a parent, move the deadline. Each of these reads uses an index that has only runs with such an instant, so all
/// other runs cost them nothing.
#[async_trait]
pub trait Timers: Send + Sync {
    /// Returns `PENDING` runs of these definitions that were to start later and are due now, the longest overdue of each
    /// definition first, at most `limit`. Any number of processes may receive the same ones: the first that starts a run
    /// wins.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read.
    async fn due_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error>;

    /// Returns runs of all definitions that have not ended and whose deadline has passed, the longest overdue first, at
    /// most `limit`.
    async fn overdue_runs(&self, limit: usize) -> Result<Vec<RunId>, Error>;

    /// Returns the earliest start of a run of these definitions, or the earliest deadline of any run, whichever is first;
    /// `None` where there is neither. An instant in the past means: now.
    async fn next_timer(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error>;
}
