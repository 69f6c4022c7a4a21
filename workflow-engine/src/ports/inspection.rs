//! Inspection: lists of runs, for people and programs that watch them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::expensive_runs::{ExpensiveRuns, ExpensiveRunsQuery};
use super::log_filter::LogFilter;
use super::run_filter::RunFilter;
use crate::error::Error;
use crate::records::{
    AnnotationRecord, CostGroup, CostKey, CostSummary, LogRecord, QueueOverview, RunRecord, StageEnd, Status,
    UnfinishedCosts, WorkerLeases,
};
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
    /// A store finds runs by tag, unfinished runs and runs that failed or were cancelled without reading others; with the
    /// index [`ByWorkflow`](super::OptionalIndex::ByWorkflow) also those of a workflow. For any other filter it reads all
    /// runs, slice by slice, until it has found enough or `query.time` has passed; it reads at least one slice.
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

    /// Counts the stages of these runs that have one of these statuses, each of which ends a stage; a run without one may be
    /// left out.
    async fn count_stages(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error>;

    /// Returns those of the next runs that have cost so much.
    async fn expensive_runs(&self, query: &ExpensiveRunsQuery) -> Result<ExpensiveRuns, Error>;

    /// Returns annotations whose keys begin with `operator.`, newest first: with smaller ids than `before`, at most
    /// `limit`.
    async fn list_actions(&self, before: Option<u64>, limit: usize) -> Result<Vec<AnnotationRecord>, Error>;

    /// Returns the tags of a run by key; none if it has none or does not exist.
    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error>;

    /// Returns the run that `run.create` made with this idempotency key.
    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, Error>;

    /// Returns the costs of calls by group, from [`Ledger::roll_up_calls`](super::Ledger::roll_up_calls) and from the calls
    /// that are not rolled up, in one consistent read.
    async fn costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error>;

    /// Returns the sum of what the runs have spent that this run has started, and the runs that those have started, and so
    /// on; of the first 100,000. Their budgets are left out.
    async fn costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error>;

    /// Counts the calls that [`Ledger::roll_up_calls`](super::Ledger::roll_up_calls) would add, at most `limit`.
    async fn calls_to_roll_up(&self, limit: usize) -> Result<usize, Error>;

    /// Returns the costs of the runs that have not ended; of the first 10,000.
    async fn unfinished_costs(&self) -> Result<UnfinishedCosts, Error>;
}

/// A question for costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostQuery {
    /// The first full hour; `None` for all since the beginning.
    pub from: Option<DateTime<Utc>>,
    /// The full hour before which the calls were made; `None` without an end.
    pub until: Option<DateTime<Utc>>,
    /// What the calls are grouped by.
    pub by: Vec<CostKey>,
    /// The most groups.
    pub limit: usize,
}

/// A question for runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunQuery {
    /// The runs.
    pub filter: RunFilter,
    /// The last run of the previous page; only older runs are returned.
    pub after: Option<RunId>,
    /// The smallest id that may be returned. The search ends there.
    pub from: Option<RunId>,
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
