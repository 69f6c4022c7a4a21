//! The workers of all processes, and what the queue holds.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Engine;
use super::list::{Cursor, List, Page};
use crate::error::Error;
use crate::host::{Liveness, liveness};
use crate::ports::RegisteredWorker;
use crate::records::{QueueOverview, WorkerRecord};

/// A worker of any process that uses the store, and what it does now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// The worker.
    #[serde(flatten)]
    pub worker: WorkerRecord,
    /// Whether it runs.
    pub state: WorkerState,
    /// The number of stages that it holds. Workers with the same id are not told apart.
    pub leases: u64,
    /// The end of its lease that ends last. A worker that runs renews its leases.
    pub leased_until: Option<DateTime<Utc>>,
}

/// Whether a worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WorkerState {
    /// Its process runs: on PostgreSQL it is connected, otherwise it is a process of this machine.
    Running,
    /// It has drained.
    Drained,
    /// Its process has ended without draining; on PostgreSQL it may also have lost its connection a moment ago.
    Gone,
    /// Unknown: it runs on another machine, or behind a connection pooler. See [`WorkerStatus::leased_until`].
    Unknown,
}

impl Engine {
    /// Lists the workers of all processes, newest first, also those that have drained in the last 30 days at least. A
    /// worker writes its record when it starts and when it drains, and nothing in between.
    ///
    /// ```
    /// use workflow_engine::{Engine, WorkerState};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").worker_id("billing").build().await?;
    /// let workers = engine.workers().await?;
    /// assert_eq!((workers[0].worker.id.as_str(), workers[0].leases), ("billing", 0));
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(workers[0].state, WorkerState::Running);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn workers(&self) -> List<WorkerStatus> {
        const LIST: &str = "workers";

        let engine = self.clone();
        List::new(move |after: Option<Cursor>, limit| {
            let engine = engine.clone();
            async move {
                let before = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let workers = engine.read_workers(before, limit + 1).await;
                let workers = workers.map_err(|error| engine.unless_store_closed(error))?;
                Ok(Page::of(workers, limit, |status| Cursor::new(LIST, status.worker.number)))
            }
        })
    }

    async fn read_workers(&self, before: Option<u32>, limit: usize) -> Result<Vec<WorkerStatus>, Error> {
        let workers = self.store().workers(before, limit).await?;
        let leases = self.store().worker_leases().await?;
        let leases: HashMap<&str, _> =
            leases.iter().map(|leases| (leases.worker_id.as_str(), leases)).collect();
        let status = |registered: RegisteredWorker| {
            let leases = leases.get(registered.worker.id.as_str());
            let leases = leases.filter(|_| registered.worker.drained_at.is_none());
            WorkerStatus {
                state: state(&registered),
                leases: leases.map_or(0, |leases| leases.leases),
                leased_until: leases.map(|leases| leases.leased_until),
                worker: registered.worker,
            }
        };
        Ok(workers.into_iter().map(status).collect())
    }

    /// Returns what the queue holds, by workflow: what is ready and since when, what a worker holds, what is due later,
    /// what waits for something outside, and what has failed. Of each kind, the first 10,000 entries are counted.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().without_worker().build().await?;
    /// engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    /// let queue = engine.queue().await?;
    /// assert_eq!((queue.total.ready, queue.workflows[0].workflow_id.as_str()), (1, "doubling"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn queue(&self) -> Result<QueueOverview, Error> {
        self.store().queue().await.map_err(|error| self.unless_store_closed(error))
    }
}

fn state(registered: &RegisteredWorker) -> WorkerState {
    if registered.worker.drained_at.is_some() {
        return WorkerState::Drained;
    }
    match (registered.is_connected, liveness(&registered.worker.process)) {
        // A proof of the operating system is worth more than a connection, which the server may not have missed yet.
        (_, Liveness::Ended) | (Some(false), Liveness::Unknown) => WorkerState::Gone,
        (Some(true), _) | (_, Liveness::Runs) => WorkerState::Running,
        (None, Liveness::Unknown) => WorkerState::Unknown,
    }
}
