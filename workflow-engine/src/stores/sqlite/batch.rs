//! One transaction over a batch of requests, as the commit engine sees it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::session::Session;
use super::{calls, claim, load, schedule_commits, side_rows, signals, user_statements, write};
use crate::ports::{ClaimRequest, Decision};
use crate::stores::candidates::Selection;
use crate::stores::commit::{Backend, RowCache, Written};
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;
use crate::value::{IdSet, RunId, StageKey};

/// The connection that writes, and the rows of its transaction.
pub(super) struct Batch {
    pub(super) session: Session,
    pub(super) row_cache: RowCache,
    pub(super) set: WorkingSet,
    /// The entries that the claims of this transaction have selected, a run with an empty key.
    pub(super) selected: HashSet<(RunId, StageKey)>,
    /// When the transaction began.
    pub(super) now: DateTime<Utc>,
}

impl Batch {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            row_cache: RowCache::default(),
            set: WorkingSet::default(),
            selected: HashSet::new(),
            now: DateTime::UNIX_EPOCH,
        }
    }

    /// Begins with no rows.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        self.set = WorkingSet::default();
        self.selected.clear();
        self.now = now;
    }
}

impl Backend for Batch {
    type Failure = Failure;

    fn set(&mut self) -> &mut WorkingSet {
        &mut self.set
    }

    async fn select(&mut self, work: &ClaimRequest) -> Result<Selection, Failure> {
        claim::select(&self.session, work, self.now, &mut self.selected)
    }

    async fn load(&mut self, footprint: &Footprint) -> Result<DateTime<Utc>, Failure> {
        load::load(&self.session, footprint, &mut self.row_cache, &mut self.set)?;
        calls::load(&self.session, footprint, &mut self.set)?;
        signals::load(&self.session, footprint, &mut self.set)?;
        schedule_commits::load(&self.session, footprint, &mut self.set)?;
        Ok(self.now)
    }

    async fn load_whole(&mut self, run_id: RunId) -> Result<DateTime<Utc>, Failure> {
        self.row_cache.remove_run(run_id);
        load::load_whole(&self.session, run_id, &mut self.set)?;
        Ok(self.now)
    }

    fn is_final(&self, _: &Decision) -> bool {
        // The write lock is held, so nothing has changed since the rows were read.
        true
    }

    async fn write(&mut self, _: &IdSet<RunId>) -> Result<Written, Failure> {
        self.set.settle_implicit();
        write::write(&self.session, &self.set, self.now)?;
        side_rows::write(&self.session, &self.set)?;
        schedule_commits::write(&self.session, &self.set)?;
        Ok(Written::Everything)
    }

    async fn run_user_statements(&mut self) -> Result<(), Failure> {
        // They may write to any table, also to the engine's own.
        self.row_cache.clear();
        self.set.runs.clear();
        user_statements::run(&self.session, &self.set.side_rows.user_statements)
    }
}
