//! The store in memory as the keeper of starts and deadlines.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::State;
use crate::error::Error;
use crate::ports::Timers;
use crate::records::RunRecord;
use crate::stores::instant;
use crate::value::RunId;

#[async_trait]
impl Timers for MemoryStore {
    async fn due_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let state = self.open("read runs that are due")?;
        let now = instant::now(&*self.clock);
        let mut due: Vec<_> = to_start(&state, definitions)
            .filter(|(due, _)| *due <= now)
            .map(|(_, run)| run.clone())
            .collect();
        due.sort_by_key(|run| (run.times.due_at, run.id));
        due.truncate(limit);
        Ok(due)
    }

    async fn overdue_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        let state = self.open("read runs over their deadline")?;
        let now = instant::now(&*self.clock);
        let mut overdue: Vec<_> = deadlines(&state).filter(|(deadline, _)| *deadline <= now).collect();
        overdue.sort_unstable();
        Ok(overdue.into_iter().take(limit).map(|(_, run_id)| run_id).collect())
    }

    async fn next_timer(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        let state = self.open("read the next start or deadline")?;
        let starts = to_start(&state, definitions).map(|(due, _)| due);
        let next = starts.chain(deadlines(&state).map(|(deadline, _)| deadline)).min();
        Ok(next.filter(|next| *next < instant::NEVER))
    }
}

fn to_start<'a>(
    state: &'a State,
    definitions: &'a [String],
) -> impl Iterator<Item = (DateTime<Utc>, &'a RunRecord)> {
    let known = state.pending_runs().filter(|run| definitions.contains(&run.definition_fingerprint));
    known.filter_map(|run| Some((run.times.due_at?, run)))
}

fn deadlines(state: &State) -> impl Iterator<Item = (DateTime<Utc>, RunId)> + '_ {
    let open = state.pending_runs.iter().chain(&state.running_runs);
    let open = open.filter_map(|run_id| state.runs.get(run_id));
    open.filter_map(|run| Some((run.record.times.deadline_at?, run.record.id)))
}
