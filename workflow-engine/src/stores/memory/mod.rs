//! The store in memory, for tests and for work that need not outlive its process.

mod state;
mod side_tables;
mod persistence;
mod stuck_runs;
mod timers;
mod schedules;
mod transport;
mod outbox;
mod retention;
mod inspection;
mod cost_hours;
mod ledger;
mod signals;
mod catalog;
mod diagnosis;
mod indexes;
mod clock_jumps;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

pub use self::side_tables::RecordedStatements;
use self::state::State;
use super::pending_notifications::PendingNotifications;
use super::working_set::WorkingSet;
use super::{Closed, instant};
use crate::error::Error;
use crate::ports::{Clock, Hints};

/// A store that keeps everything in this process and loses it at the end of the process. Its transactions are as strict
/// as those of a database: they run one after another, and a failed one leaves no trace.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    hints: Arc<Hints>,
    state: Mutex<State>,
    records_statements: bool,
}

impl MemoryStore {
    /// Creates an empty store that takes its instants from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, hints: Arc::new(Hints::new()), state: Mutex::default(), records_statements: false }
    }

    /// Records the statements that stages give to `ctx.transaction()`, for tests. Without this, such a commit fails with
    /// `STATEMENTS_UNSUPPORTED`, because the store has no tables.
    #[must_use]
    pub fn record_statements(mut self) -> Self {
        self.records_statements = true;
        self
    }

    /// Returns the recorded statements, in the order of their commits.
    #[must_use]
    pub fn recorded_statements(&self) -> Vec<RecordedStatements> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.side_tables.recorded_statements()
    }

    /// Returns the state, unless the store is closed. Its due instants belong to the clock as it is set now.
    fn open(&self, doing: &str) -> Result<MutexGuard<'_, State>, Error> {
        // The state of a poisoned lock is sound: a panic can only happen before the write-back, which changes nothing
        // until then.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_closed() {
            return Err(Error::store_unavailable(doing, Closed));
        }
        state.follow_clock(&*self.clock);
        Ok(state)
    }

    /// Runs `work` as a transaction, and writes its working set back if it succeeds.
    fn transact<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&State, &mut WorkingSet, DateTime<Utc>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (output, notifications): (T, PendingNotifications) = {
            let mut state = self.open(doing)?;
            let mut set = WorkingSet::default();
            let output = work(&state, &mut set, instant::now(&*self.clock))?;
            if !self.records_statements && !set.side_rows.user_statements.is_empty() {
                return Err(Error::statements_unsupported());
            }
            set.keep_ended_runs(&self.hints);
            (output, state.write_back(set))
        };
        notifications.send(&self.hints);
        Ok(output)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
