//! The store in memory as inspection.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use crate::error::Error;
use crate::ports::{Inspection, LogFilter, RunCount, RunFilter, RunPage, RunQuery};
use crate::records::LogRecord;
use crate::stores::run_search::{self, ReadSlices, Slice, SliceOutput};
use crate::value::RunId;

#[async_trait]
impl Inspection for MemoryStore {
    async fn list_runs(&self, query: &RunQuery) -> Result<RunPage, Error> {
        run_search::list(self, query).await
    }

    async fn count_runs(&self, filter: &RunFilter, cap: u64, time: Duration) -> Result<RunCount, Error> {
        run_search::count(self, filter, cap, time).await
    }

    async fn list_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error> {
        let state = self.open("read the log of a run")?;
        let of_run = state.logs.iter().filter(|line| line.run_id == run_id && filter.admits(line));
        Ok(if filter.newest_first {
            let earlier = of_run.rev().filter(|line| after.is_none_or(|after| line.id < after));
            earlier.take(limit).cloned().collect()
        } else {
            let later = of_run.filter(|line| after.is_none_or(|after| line.id > after));
            later.take(limit).cloned().collect()
        })
    }

    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        let state = self.open("read the tags of a run")?;
        Ok(state.side_tables.tags.get(&run_id).cloned().unwrap_or_default())
    }
}

/// Each slice reads all runs, whatever its source: the rows are in memory.
#[async_trait]
impl ReadSlices for MemoryStore {
    async fn slice(&self, slice: Slice<'_>) -> Result<SliceOutput, Error> {
        let state = self.open("list runs")?;
        let none = BTreeMap::new();
        let before = slice.after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut output = SliceOutput::default();
        for (run_id, run) in state.runs.range((Bound::Unbounded, before)).rev().take(slice.candidates) {
            output.candidates += 1;
            output.last = Some((*run_id, run.record.created_at));
            if slice.filter.admits(&run.record, state.side_tables.tags.get(run_id).unwrap_or(&none)) {
                output.matches += 1;
                if output.runs.len() < slice.limit {
                    output.runs.push(run.record.clone());
                }
            }
        }
        Ok(output)
    }

    async fn count_unfinished(&self, limit: usize) -> Result<usize, Error> {
        let state = self.open("count unfinished runs")?;
        Ok((state.pending_runs.len() + state.running_runs.len()).min(limit))
    }

    async fn count_tagged(&self, _key: &str, _value: &str, _limit: usize) -> Result<usize, Error> {
        Ok(0)
    }
}
