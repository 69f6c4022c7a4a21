//! Inspection: lists of runs, for people and programs that watch them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::log_filter::LogFilter;
use super::run_filter::RunFilter;
use crate::error::Error;
use crate::records::{AnnotationRecord, LogRecord, QueueOverview, RunRecord, StageEnd, WorkerLeases};
use crate::value::RunId;

/// Lists and counts runs without disturbing those that work: a store reads on connections of its own, and every answer is
/// bounded in rows and in time.
///
/// A list is in the order of the runs' ids, the newest first, and continues after the id of its last run. So runs that
/// are created, end or are deleted while a caller pages change nothing for the other runs: each is listed once.
#[async_trait]
pub trait Inspection: Send + Sync {
    /// Returns the next runs that match.
    ///
    /// A store finds runs by tag, unfinished runs and runs that failed or were cancelled without reading others. For any
    /// other filter it reads all runs, slice by slice, until it has found enough or `query.time` has passed; it reads at
    /// least one slice.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read.
    async fn list_runs(&self, query: &RunQuery) -> Result<RunPage, Error>;

    /// Counts the runs that match, at most `cap`, and stops when `time` has passed.
    async fn count_runs(&self, filter: &RunFilter, cap: u64, time: Duration) -> Result<RunCount, Error>;

    /// Returns the run's log lines that match: after the one with id `after`, or before it where the newest comes first;
    /// at most `limit`.
    async fn list_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error>;

    /// Counts the entries of the queue by workflow, of each kind the first 10,000.
    async fn queue(&self) -> Result<QueueOverview, Error>;

    /// Counts the leases that workers hold, by the worker's id; the first 10,000.
    async fn worker_leases(&self) -> Result<Vec<WorkerLeases>, Error>;

    /// Returns the ends of the stages of these runs that have completed or failed, at most 50,000. A stage that a fork has
    /// taken over is left out.
    async fn stage_ends(&self, run_ids: Vec<RunId>) -> Result<Vec<StageEnd>, Error>;

    /// Returns annotations whose keys begin with `operator.`, newest first: with smaller ids than `before`, at most
    /// `limit`.
    async fn list_actions(&self, before: Option<u64>, limit: usize) -> Result<Vec<AnnotationRecord>, Error>;

    /// Returns the tags of a run by key; none if it has none or does not exist.
    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error>;
}

/// A question for runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunQuery {
    /// The runs.
    pub filter: RunFilter,
    /// The last run of the previous page; only older runs are returned.
    pub after: Option<RunId>,
    /// The most runs to return, at least 1.
    pub limit: usize,
    /// The time after which a search stops and returns what it has found.
    pub time: Duration,
}

/// The answer to a [`RunQuery`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunPage {
    /// The runs, newest first.
    pub runs: Vec<RunRecord>,
    /// Where the next page begins; `None` after the last run.
    pub next: Option<RunId>,
    /// Where the search stopped because its time had passed: no run that was created later matches, apart from those on
    /// this page and the ones before.
    pub searched_to: Option<DateTime<Utc>>,
}

/// A number of runs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[non_exhaustive]
pub struct RunCount {
    /// The number of runs that were counted.
    pub count: u64,
    /// Whether these are all. Otherwise there are at least as many.
    pub is_exact: bool,
}

impl RunCount {
    /// Creates a count.
    #[must_use]
    pub const fn new(count: u64, is_exact: bool) -> Self {
        Self { count, is_exact }
    }
}

/// `10000+` if there may be more.
impl std::fmt::Display for RunCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.count, if self.is_exact { "" } else { "+" })
    }
}
