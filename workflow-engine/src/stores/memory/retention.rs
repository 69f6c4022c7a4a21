//! The store in memory as retention.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::State;
use crate::error::Error;
use crate::ports::{Purge, Retention};
use crate::stores::instant;
use crate::value::RunId;

#[async_trait]
impl Retention for MemoryStore {
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error> {
        let purged: Vec<RunId> = {
            let mut state = self.open("purge runs")?;
            let limit = instant::before(instant::now(&*self.clock), purge.older_than);
            let mut ended: Vec<_> = ends(&state)
                .filter(|(_, run_id)| purge.only.is_none_or(|only| only == *run_id))
                .filter(|(end, run_id)| {
                    (*end <= limit || purge.only.is_some())
                        && (purge.include_undelivered || !has_undelivered(&state, *run_id))
                })
                .collect();
            ended.sort_unstable();
            let ended: Vec<RunId> = ended.into_iter().take(purge.limit).map(|(_, run_id)| run_id).collect();
            for run_id in &ended {
                state.delete(*run_id);
            }
            if purge.external_blobs {
                state.purged.extend(&ended);
            }
            ended
        };
        for run_id in &purged {
            self.hints.run_changed(*run_id);
        }
        Ok(purged)
    }

    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(ends(&*self.open("read when a run ended")?).map(|(end, _)| end).min())
    }

    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        Ok(self.open("read purged runs")?.purged.iter().copied().take(limit).collect())
    }

    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error> {
        let mut state = self.open("forget purged runs")?;
        state.purged.retain(|run_id| !runs.contains(run_id));
        Ok(())
    }
}

fn ends(state: &State) -> impl Iterator<Item = (DateTime<Utc>, RunId)> {
    state.runs.iter().filter_map(|(run_id, run)| Some((run.record.completed_at?, *run_id)))
}

/// Returns whether the run has undelivered events.
fn has_undelivered(state: &State, run_id: RunId) -> bool {
    state.unpublished_runs.contains(&run_id)
        || state.deliveries.values().any(|row| row.run_id == run_id && row.dead_at.is_none())
}
