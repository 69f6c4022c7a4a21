//! One transaction over a batch of requests, as the commit engine sees it.
//!
//! Decisions use rows without locks first: cached ones, and where the cache lacks some, rows that are read. The
//! statement that writes compares the `commits` counter of each run under its lock, and writes nothing of a run that
//! another transaction has changed. So a batch that needs nothing else is one statement, which is its own transaction.
//! Decisions that have missed are repeated with rows that are read, and then with rows that are locked first.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::transaction::Transaction;
use super::write::{self, Comparison};
use super::{calls, claim, load, schedule_commits, side_rows, signals, user_statements};
use crate::failpoints::failpoint;
use crate::ports::{ClaimRequest, Decision};
use crate::stores::candidates::Selection;
use crate::stores::commit::{self, Backend, Work, Written};
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;
use crate::value::{IdSet, RunId};

/// Where the rows of a transaction come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowSource {
    /// From the row cache; what it lacks is read.
    Cache,
    /// All are read.
    Read,
    /// All are read after their runs are locked.
    Locked,
}

/// A transaction, and its rows.
pub(super) struct Batch {
    pub(super) transaction: Transaction,
    pub(super) set: WorkingSet,
    source: RowSource,
    /// With cached rows: the runs that were read.
    read: IdSet<RunId>,
    /// The instant of decisions on rows that are not locked, to be compared with the database's clock; `None` with the
    /// clock of a test.
    now: Option<DateTime<Utc>>,
    /// By how much the transaction moves the `commits` of its runs.
    step: i64,
}

impl Batch {
    pub(super) fn new(transaction: Transaction, source: RowSource) -> Self {
        let step = transaction.database.commit_steps.draw();
        Self { transaction, set: WorkingSet::default(), source, read: IdSet::default(), now: None, step }
    }

    /// Serves the requests, and commits. With `begin`, everything is one transaction from the first statement on.
    pub(super) async fn run_and_commit(
        &mut self,
        works: &mut [Work<Self>],
        begin: bool,
    ) -> Result<(), Failure> {
        if begin {
            failpoint!("postgres: before BEGIN", Failure::injected("begin a transaction"));
            self.transaction.begin().await?;
            failpoint!("postgres: after BEGIN", Failure::injected("begin a transaction"));
        }
        commit::run(self, works).await?;
        if self.transaction.is_open() {
            failpoint!("postgres: before COMMIT", Failure::injected("commit").during_commit());
            self.transaction.commit().await?;
            failpoint!("postgres: after COMMIT", Failure::injected("commit").during_commit());
        }
        Ok(())
    }

    /// Caches the rows of the transaction, which has committed, and sends its hints.
    pub(super) fn finish(self) {
        let Self { transaction, mut set, step, .. } = self;
        let database = Arc::clone(&transaction.database);
        transaction.release();
        set.keep_ended_runs(&database.hints);
        database.row_cache().insert(set.runs, |rows| if rows.has_changes() { step } else { 0 });
        database.notify(&set.notifications);
    }

    /// Loads cached rows, and reads those that the cache lacks.
    async fn load_cached(&mut self, footprint: &Footprint) -> Result<DateTime<Utc>, Failure> {
        let database = Arc::clone(&self.transaction.database);
        let missing = database.row_cache().take(footprint, &mut self.set);
        let missing_runs =
            missing.runs.into_iter().chain(missing.stages.into_iter().map(|(run_id, _)| run_id));
        let incomplete: BTreeSet<RunId> = missing_runs.chain(footprint.fresh_runs.iter().copied()).collect();
        let mut read = Footprint { keys: footprint.known_keys.clone(), ..Footprint::default() };
        for run_id in incomplete.difference(&footprint.new_runs) {
            // All rows of a run have to be from one state.
            self.set.runs.remove(run_id);
            let stages = footprint.runs.get(run_id).cloned().unwrap_or_default();
            read.runs.insert(*run_id, stages);
            self.read.insert(*run_id);
        }
        match database.test_now().or_else(|| database.clock_estimate.now()) {
            Some(now) if read.runs.is_empty() && read.keys.is_empty() => Ok(now),
            _ => load::read(&mut self.transaction, &read, &mut self.set).await,
        }
    }

    async fn write_set(&mut self, set: &mut WorkingSet, applied: &IdSet<RunId>) -> Result<Written, Failure> {
        set.settle_implicit();
        let has_more = !set.side_rows.is_empty() || set.completed_keys().next().is_some();
        if has_more && !self.transaction.is_open() {
            self.transaction.begin().await?;
        }
        let comparison = match self.source {
            RowSource::Locked => Comparison::default(),
            RowSource::Cache | RowSource::Read => Comparison::new(set, applied, self.now),
        };
        let stale = self.send(set, comparison).await?;
        match stale {
            // Another transaction has taken an idempotency key since this one read the keys.
            None if self.source == RowSource::Locked => Err(Failure::lost_race("write a commit")),
            None => Ok(Written::Nothing),
            Some(stale) if stale.is_empty() => {
                if !schedule_commits::write(&mut self.transaction, set).await? {
                    self.transaction.roll_back().await?;
                    // With locks there is no other try, whose answer would be right.
                    let is_last = self.source == RowSource::Locked;
                    return if is_last {
                        Err(Failure::lost_race("move a schedule"))
                    } else {
                        Ok(Written::Nothing)
                    };
                }
                side_rows::write(&mut self.transaction, set).await?;
                Ok(Written::Everything)
            }
            // The other rows of the transaction may belong to a stale run.
            Some(_) if has_more => {
                self.transaction.roll_back().await?;
                Ok(Written::Nothing)
            }
            Some(stale) => {
                set.runs.retain(|run_id, _| !stale.contains(run_id));
                Ok(Written::Without(stale))
            }
        }
    }

    /// Sends the statement that writes, and returns the stale runs, as [`write::write`] does.
    async fn send(
        &mut self,
        set: &WorkingSet,
        comparison: Comparison,
    ) -> Result<Option<IdSet<RunId>>, Failure> {
        if self.transaction.is_open() {
            return write::write(&mut self.transaction, set, self.step, comparison).await;
        }
        failpoint!("postgres: before a commit in one statement", Failure::injected("commit"));
        let stale = write::write(&mut self.transaction, set, self.step, comparison).await?;
        failpoint!("postgres: after a commit in one statement", Failure::injected("commit").during_commit());
        Ok(stale)
    }
}

impl Backend for Batch {
    type Failure = Failure;

    fn set(&mut self) -> &mut WorkingSet {
        &mut self.set
    }

    async fn select(&mut self, work: &ClaimRequest) -> Result<Selection, Failure> {
        claim::select(&mut self.transaction, work).await
    }

    async fn load(&mut self, footprint: &Footprint) -> Result<DateTime<Utc>, Failure> {
        let now = match self.source {
            RowSource::Cache => self.load_cached(footprint).await?,
            RowSource::Read => load::read(&mut self.transaction, footprint, &mut self.set).await?,
            RowSource::Locked => load::lock(&mut self.transaction, footprint, &mut self.set).await?,
        };
        calls::load(&mut self.transaction, footprint, &mut self.set).await?;
        signals::load(&mut self.transaction, footprint, &mut self.set).await?;
        let is_locked = self.source == RowSource::Locked;
        schedule_commits::load(&mut self.transaction, footprint, is_locked, &mut self.set).await?;
        let database = &self.transaction.database;
        self.now = database.clock.is_none().then_some(now);
        Ok(database.now(now))
    }

    async fn load_whole(&mut self, run_id: RunId) -> Result<DateTime<Utc>, Failure> {
        let mut footprint = Footprint::default();
        footprint.runs.entry(run_id).or_default();
        let now = load::lock(&mut self.transaction, &footprint, &mut self.set).await?;
        load::read_whole(&mut self.transaction, run_id, &mut self.set).await?;
        Ok(self.transaction.database.now(now))
    }

    fn is_final(&self, decision: &Decision) -> bool {
        self.source != RowSource::Cache
            || self.read.contains(&decision.run_id) && decision.idempotency.is_none()
    }

    async fn write(&mut self, applied: &IdSet<RunId>) -> Result<Written, Failure> {
        let mut set = std::mem::take(&mut self.set);
        let written = self.write_set(&mut set, applied).await;
        if !matches!(written, Ok(Written::Nothing)) {
            self.set = set;
        }
        written
    }

    async fn run_user_statements(&mut self) -> Result<(), Failure> {
        user_statements::run_last(&mut self.transaction, &self.set.side_rows.user_statements).await
    }
}
