//! The stream of the runs of a list: the state of each, and again when it has changed.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use workflow_engine::{Error, RunId};

use super::frame::{COMMENT, frame};
use super::states::State;
use super::{SILENCE, Source};
use crate::app::App;
use crate::problem::Problem;

/// The least time between two reads.
const PACE: Duration = Duration::from_secs(1);

/// The stream of the runs of a list.
pub(crate) struct ListStream {
    app: App,
    runs: Vec<RunId>,
    told: HashMap<RunId, State>,
    changes: watch::Receiver<u64>,
    pace: Interval,
    _place: OwnedSemaphorePermit,
}

/// A run that does not exist any more.
#[derive(Serialize)]
struct Gone {
    id: RunId,
}

impl ListStream {
    pub(crate) fn new(app: &App, runs: Vec<RunId>, place: OwnedSemaphorePermit) -> Self {
        let mut changes = app.engine.kernel().store().hints().watch_changes();
        changes.mark_changed();
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { app: app.clone(), runs, told: HashMap::new(), changes, pace, _place: place }
    }

    /// Reads the runs, and writes those that have changed.
    async fn read(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        for run_id in &self.runs {
            let (state, is_stale) = self.app.states.get(&self.app.engine, *run_id).await?;
            if is_stale {
                // It was read less than a second ago: read it again after the next.
                self.changes.mark_changed();
            }
            if self.told.get(run_id) == Some(&state) {
                continue;
            }
            match &state {
                Some(run) => frame(&mut text, None, "run", &**run),
                None => frame(&mut text, None, "gone", &Gone { id: *run_id }),
            }
            self.told.insert(*run_id, state);
        }
        Ok(text)
    }
}

impl Source for ListStream {
    async fn next(&mut self) -> Option<String> {
        loop {
            match timeout(SILENCE, self.changes.changed()).await {
                Ok(Ok(())) => {}
                // The store is gone.
                Ok(Err(_)) => return None,
                Err(_) => return Some(COMMENT.to_owned()),
            }
            self.pace.tick().await;
            self.changes.mark_unchanged();
            match self.read().await {
                Ok(text) if text.is_empty() => {}
                Ok(text) => return Some(text),
                Err(error) => {
                    drop(Problem::from(error));
                    return None;
                }
            }
        }
    }
}
