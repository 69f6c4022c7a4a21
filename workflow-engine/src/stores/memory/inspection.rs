//! The store in memory as inspection.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use crate::error::Error;
use crate::ports::{
    CostQuery, ExpensiveRuns, ExpensiveRunsQuery, Inspection, LogFilter, RunCount, RunFilter, RunPage,
    RunQuery,
};
use crate::records::{
    AnnotationRecord, CostGroup, CostSummary, LogRecord, QueueKind, QueueOverview, RunRecord, StageEnd,
    StageRecord, Status, UnfinishedCosts, WorkerLeases,
};
use crate::stores::instant;
use crate::stores::queue_counts::{MAX_STAGE_ENDS, is_exact};
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

    async fn queue(&self) -> Result<QueueOverview, Error> {
        let now = instant::now(&*self.clock);
        let state = self.open("count the queue")?;
        let mut overview = QueueOverview::default();
        for run in state.pending_runs() {
            let since = run.times.due_at.unwrap_or(run.created_at);
            let kind = if since <= now { QueueKind::Ready } else { QueueKind::Scheduled };
            overview.add(&run.workflow_id, kind, 1, Some(since));
        }
        for (_, job) in state.jobs() {
            let kind = match job.status {
                Status::Pending if job.run_at <= now => QueueKind::Ready,
                Status::Pending => QueueKind::Scheduled,
                Status::Running => QueueKind::Leased,
                _ => QueueKind::Waiting,
            };
            overview.add(&job.workflow_id, kind, 1, Some(job.run_at));
        }
        for run in state.runs.values().filter(|run| run.record.status == Status::Failed) {
            overview.add(&run.record.workflow_id, QueueKind::Dead, 1, run.record.completed_at);
        }
        overview.is_exact = is_exact(&overview);
        Ok(overview)
    }

    async fn worker_leases(&self) -> Result<Vec<WorkerLeases>, Error> {
        let state = self.open("count leases")?;
        let mut leases: BTreeMap<&str, WorkerLeases> = BTreeMap::new();
        for (_, job) in state.jobs() {
            let (Some(id), Some(until)) = (&job.worker_id, job.leased_until) else { continue };
            let of_worker = leases.entry(id).or_insert_with(|| WorkerLeases::new(id.clone(), 0, until));
            of_worker.leases += 1;
            of_worker.leased_until = of_worker.leased_until.max(until);
        }
        Ok(leases.into_values().collect())
    }

    async fn stage_ends(&self, run_ids: Vec<RunId>) -> Result<Vec<StageEnd>, Error> {
        let state = self.open("read the ends of stages")?;
        let stages = run_ids.iter().filter_map(|id| state.runs.get(id)).flat_map(|run| run.stages.values());
        let ended = stages
            .map(|stage| &stage.record)
            .filter(|stage| stage.attempt > 0 && matches!(stage.status, Status::Completed | Status::Failed));
        let end = |stage: &StageRecord| StageEnd {
            stage_id: stage.stage_id.clone(),
            status: stage.status,
            attempt: stage.attempt,
            started_at: stage.started_at,
            completed_at: stage.completed_at,
        };
        Ok(ended.map(end).take(MAX_STAGE_ENDS).collect())
    }

    async fn count_stages(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        let state = self.open("count the stages of runs")?;
        let count = |run_id: RunId| {
            let stages = state.runs.get(&run_id).into_iter().flat_map(|run| run.stages.values());
            stages.filter(|stage| statuses.contains(&stage.record.status)).count()
        };
        Ok(run_ids.into_iter().map(|id| (id, u32::try_from(count(id)).unwrap_or(u32::MAX))).collect())
    }

    async fn expensive_runs(&self, query: &ExpensiveRunsQuery) -> Result<ExpensiveRuns, Error> {
        let state = self.open("find expensive runs")?;
        let before = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut output = ExpensiveRuns::default();
        let runs = state.runs.range((Bound::Unbounded, before)).rev().take(query.candidates);
        for run in runs.map(|(_, run)| &run.record) {
            output.candidates += 1;
            output.last = Some((run.id, run.created_at));
            if run.spending.cost >= query.at_least {
                output.runs.push((run.id, run.created_at, run.spending.cost));
            }
        }
        Ok(output)
    }

    async fn list_actions(&self, before: Option<u64>, limit: usize) -> Result<Vec<AnnotationRecord>, Error> {
        let state = self.open("read actions")?;
        let mut actions: Vec<_> = state.side_tables.actions().cloned().collect();
        actions.retain(|action| before.is_none_or(|before| action.id < before));
        actions.sort_by_key(|action| std::cmp::Reverse(action.id));
        actions.truncate(limit);
        Ok(actions)
    }

    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        let state = self.open("read the tags of a run")?;
        Ok(state.side_tables.tags.get(&run_id).cloned().unwrap_or_default())
    }

    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, Error> {
        Ok(self.open("find the run of a key")?.run_of_key(key))
    }

    async fn costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error> {
        Ok(self.open("sum up the costs of calls")?.costs(query))
    }

    async fn costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error> {
        let state = self.open("read the costs of the children of a run")?;
        let mut costs = CostSummary::default();
        let mut parents = BTreeSet::from([run_id]);
        while !parents.is_empty() {
            let is_child =
                |run: &RunRecord| run.parent.as_ref().is_some_and(|parent| parents.contains(&parent.run_id));
            let children: Vec<&RunRecord> =
                state.runs.values().map(|run| &run.record).filter(|run| is_child(run)).collect();
            costs = children.iter().fold(costs, |costs, run| costs.plus(run.spending));
            parents = children.into_iter().map(|run| run.id).collect();
        }
        Ok(costs)
    }

    async fn calls_to_roll_up(&self, limit: usize) -> Result<usize, Error> {
        Ok(self.open("count calls of models")?.calls_to_roll_up(limit).len())
    }

    async fn unfinished_costs(&self) -> Result<UnfinishedCosts, Error> {
        Ok(self.open("sum up the costs of unfinished runs")?.unfinished_costs())
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

    async fn has_workflow_index(&self) -> Result<bool, Error> {
        Ok(false)
    }

    async fn count_tagged(&self, _key: &str, _value: &str, _limit: usize) -> Result<usize, Error> {
        Ok(0)
    }
}
