//! Deleting what is over.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::value::RunId;

/// Deletes runs with everything that hangs on them.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Deletes runs in one transaction, the oldest end first, and answers which. Whoever else works on one of them, or
    /// has rerun it meanwhile, keeps it from being deleted.
    ///
    /// # Errors
    /// When the store cannot be written, here and below.
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error>;

    /// When the run that is over for the longest time ended; `None` where none is over.
    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error>;

    /// Purged runs whose blobs outside of the store are still to be deleted; at most `limit`.
    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error>;

    /// Notes that these blobs are deleted.
    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error>;
}

/// Which runs are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Those that ended at least this long ago.
    pub older_than: Duration,
    /// Also those with events that wait for delivery. Dead letters do not wait: they go with their run.
    pub include_undelivered: bool,
    /// Whether some of their blobs are outside of the store: then [`Retention::purged_runs`] remembers them.
    pub external_blobs: bool,
    /// At most this many.
    pub limit: usize,
}
