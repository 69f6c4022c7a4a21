//! Retention: deleting terminal runs.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::value::RunId;

/// Deletes runs with all of their rows.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Deletes terminal runs in one transaction, the oldest end first, and returns their ids. A run that another
    /// transaction has locked, or has rerun in the meantime, is not deleted.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read or written.
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error>;

    /// Returns the end of the run that has been terminal for the longest time; `None` where no run is terminal.
    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error>;

    /// Returns purged runs whose blobs outside of the store are still to be deleted; at most `limit`.
    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error>;

    /// Notes that the blobs of these runs are deleted.
    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error>;
}

/// The runs to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// The least time since the end of the run.
    pub older_than: Duration,
    /// Whether runs with undelivered events are deleted too. Dead letters do not count as undelivered: they are deleted
    /// with their run.
    pub include_undelivered: bool,
    /// Whether blobs of the runs are outside of the store. [`Retention::purged_runs`] then returns the purged runs
    /// until [`Retention::forget_purged`] names them.
    ///
    /// Those blobs are deleted after their run and not before: a run whose blobs are gone could still be rerun.
    pub external_blobs: bool,
    /// The most runs to delete.
    pub limit: usize,
    /// Deletes this run alone, whenever it ended.
    pub only: Option<RunId>,
}
