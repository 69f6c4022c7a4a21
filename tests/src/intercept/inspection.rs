//! Inspection of a store behind an interceptor.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use workflow_engine::ports::{
    CostQuery, ExpensiveRuns, ExpensiveRunsQuery, Inspection, RunCount, RunPage, RunQuery,
};
use workflow_engine::records::{
    AnnotationRecord, CostGroup, CostSummary, LogRecord, QueueOverview, StageEnd, Status, UnfinishedCosts,
    WorkerLeases,
};
use workflow_engine::{Error, LogFilter, RunFilter, RunId};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Inspection for Intercepted<I> {
    async fn list_runs(&self, query: &RunQuery) -> Result<RunPage, Error> {
        self.read("list_runs", self.store.list_runs(query)).await
    }

    async fn count_runs(&self, filter: &RunFilter, cap: u64, time: Duration) -> Result<RunCount, Error> {
        self.read("count_runs", self.store.count_runs(filter, cap, time)).await
    }

    async fn list_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error> {
        self.read("list_logs", self.store.list_logs(run_id, filter, after, limit)).await
    }

    async fn queue(&self) -> Result<QueueOverview, Error> {
        self.read("queue", self.store.queue()).await
    }

    async fn worker_leases(&self) -> Result<Vec<WorkerLeases>, Error> {
        self.read("worker_leases", self.store.worker_leases()).await
    }

    async fn stage_ends(&self, run_ids: Vec<RunId>) -> Result<Vec<StageEnd>, Error> {
        self.read("stage_ends", self.store.stage_ends(run_ids)).await
    }

    async fn count_stages(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        self.read("count_stages", self.store.count_stages(run_ids, statuses)).await
    }

    async fn expensive_runs(&self, query: &ExpensiveRunsQuery) -> Result<ExpensiveRuns, Error> {
        self.read("expensive_runs", self.store.expensive_runs(query)).await
    }

    async fn list_actions(&self, before: Option<u64>, limit: usize) -> Result<Vec<AnnotationRecord>, Error> {
        self.read("list_actions", self.store.list_actions(before, limit)).await
    }

    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        self.read("tags", self.store.tags(run_id)).await
    }

    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, Error> {
        self.read("run_of_key", self.store.run_of_key(key)).await
    }

    async fn costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error> {
        self.read("costs", self.store.costs(query)).await
    }

    async fn costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error> {
        self.read("costs_of_descendants", self.store.costs_of_descendants(run_id)).await
    }

    async fn calls_to_roll_up(&self, limit: usize) -> Result<usize, Error> {
        self.read("calls_to_roll_up", self.store.calls_to_roll_up(limit)).await
    }

    async fn unfinished_costs(&self) -> Result<UnfinishedCosts, Error> {
        self.read("unfinished_costs", self.store.unfinished_costs()).await
    }
}
