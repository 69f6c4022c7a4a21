//! Inspection of a store whose process dies.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{
    CostQuery, ExpensiveRuns, ExpensiveRunsQuery, Inspection, LogFilter, RunCount, RunFilter, RunPage,
    RunQuery,
};
use crate::records::{
    AnnotationRecord, CostGroup, CostSummary, LogRecord, QueueOverview, StageEnd, Status, UnfinishedCosts,
    WorkerLeases,
};
use crate::value::RunId;

#[async_trait]
impl Inspection for CrashingStore {
    async fn list_runs(&self, query: &RunQuery) -> Result<RunPage, Error> {
        self.alive()?.list_runs(query).await
    }

    async fn count_runs(&self, filter: &RunFilter, cap: u64, time: Duration) -> Result<RunCount, Error> {
        self.alive()?.count_runs(filter, cap, time).await
    }

    async fn list_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error> {
        self.alive()?.list_logs(run_id, filter, after, limit).await
    }

    async fn queue(&self) -> Result<QueueOverview, Error> {
        self.alive()?.queue().await
    }

    async fn worker_leases(&self) -> Result<Vec<WorkerLeases>, Error> {
        self.alive()?.worker_leases().await
    }

    async fn stage_ends(&self, run_ids: Vec<RunId>) -> Result<Vec<StageEnd>, Error> {
        self.alive()?.stage_ends(run_ids).await
    }

    async fn count_stages(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        self.alive()?.count_stages(run_ids, statuses).await
    }

    async fn expensive_runs(&self, query: &ExpensiveRunsQuery) -> Result<ExpensiveRuns, Error> {
        self.alive()?.expensive_runs(query).await
    }

    async fn list_actions(&self, before: Option<u64>, limit: usize) -> Result<Vec<AnnotationRecord>, Error> {
        self.alive()?.list_actions(before, limit).await
    }

    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        self.alive()?.tags(run_id).await
    }

    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, Error> {
        self.alive()?.run_of_key(key).await
    }

    async fn costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error> {
        self.alive()?.costs(query).await
    }

    async fn costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error> {
        self.alive()?.costs_of_descendants(run_id).await
    }

    async fn calls_to_roll_up(&self, limit: usize) -> Result<usize, Error> {
        self.alive()?.calls_to_roll_up(limit).await
    }

    async fn unfinished_costs(&self) -> Result<UnfinishedCosts, Error> {
        self.alive()?.unfinished_costs().await
    }
}
