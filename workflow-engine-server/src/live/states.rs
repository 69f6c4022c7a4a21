//! The states of runs, read at most once a second for all streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use workflow_engine::{Engine, Error, RunId};

use crate::view::RunView;

/// How long a state is shown before it is read again.
const MAX_AGE: Duration = Duration::from_millis(900);
/// The most states that are kept.
const MAX_STATES: usize = 10_000;

/// The states of runs.
#[derive(Debug, Default)]
pub(crate) struct RunStates {
    states: Mutex<HashMap<RunId, Kept>>,
}

/// A state that was read.
#[derive(Clone, Debug)]
struct Kept {
    at: Duration,
    /// The number of the store's changes before it was read.
    changes: u64,
    state: State,
}

/// A run as it was, or none that was deleted.
pub(super) type State = Option<Arc<RunView>>;

impl RunStates {
    /// Returns the state of a run, and whether it may have changed since it was read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn get(&self, engine: &Engine, run_id: RunId) -> Result<(State, bool), Error> {
        let now = engine.kernel().clock().monotonic();
        let changes = *engine.kernel().store().hints().watch_changes().borrow();
        if let Some(kept) = self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&run_id)
            && (kept.changes == changes || now.saturating_sub(kept.at) < MAX_AGE)
        {
            return Ok((kept.state.clone(), kept.changes != changes));
        }
        let run = engine.kernel().store().run(run_id).await?;
        let state = run.map(|run| Arc::new(RunView::from(run)));
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= MAX_STATES {
            states.retain(|_, kept| now.saturating_sub(kept.at) < MAX_AGE);
        }
        states.insert(run_id, Kept { at: now, changes, state: state.clone() });
        Ok((state, false))
    }
}
