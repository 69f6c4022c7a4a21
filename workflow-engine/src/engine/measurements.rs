//! The measurements of an engine.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;

use super::Engine;
use crate::error::Error;
use crate::telemetry::{BacklogMeasurements, Measurements, QueuedJobs, UnfinishedRuns};

/// How long an answer of the store counts. Only a caller of the engine causes the next one.
const MAX_AGE: Duration = Duration::from_secs(10);
/// How long the store may take. The other numbers must not wait for a store that is away.
const MAX_TIME: Duration = Duration::from_secs(2);
/// How long a run must have had due work before it counts as unclaimable: a worker that has its definition claims it
/// sooner, unless all are busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// The number of unclaimable runs that are counted.
const MAX_UNCLAIMABLE: usize = 1_000;

/// The last answer of the store, and when it was asked, in time of `Clock::monotonic`.
#[derive(Debug, Default)]
pub(super) struct LastBacklog(Mutex<Option<(Duration, Option<BacklogMeasurements>)>>);

impl Engine {
    /// Returns what this engine has measured since it was built: runs, attempts, durations, slots, calls of models, and
    /// what waits in the store. All callers together cause a read of the store at most every 10 seconds.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn double(number: u32) -> StageResult<u32> {
    ///     Ok(number * 2)
    /// }
    ///
    /// workflow! { Doubling = double }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// engine.start::<Doubling>(DoubleInput { number: 21 }).await?.output().await?;
    ///
    /// let measured = engine.measurements().await;
    /// assert_eq!(measured.workflows[0].runs_completed, 1);
    /// assert_eq!(measured.workflows[0].stages[0].attempts.completed, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn measurements(&self) -> Measurements {
        let kernel = self.kernel();
        let mut measured = kernel.meters().snapshot(kernel.registry().meters());
        measured.slots = self.worker().map(|worker| worker.slots());
        measured.backlog = self.backlog().await;
        measured
    }

    async fn backlog(&self) -> Option<BacklogMeasurements> {
        let clock = self.kernel().clock();
        let mut last = self.inner.backlog.0.lock().await;
        if let Some((asked, backlog)) = &*last
            && clock.monotonic().saturating_sub(*asked) < MAX_AGE
        {
            return backlog.clone();
        }
        let asked = clock.monotonic();
        let read = tokio::select! {
            biased;
            read = self.read_backlog() => read.ok(),
            () = clock.sleep(MAX_TIME) => None,
        };
        // A failure counts as an answer, too: a store that is away is not asked more often.
        *last = Some((asked, read.clone()));
        read
    }

    async fn read_backlog(&self) -> Result<BacklogMeasurements, Error> {
        let (kernel, store) = (self.kernel(), self.store());
        let definitions = kernel.definitions();
        let mut runs: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for version in kernel.definition_runs().await? {
            let (pending, running) = runs.entry(version.definition.workflow_id).or_default();
            *pending += version.pending;
            *running += version.running;
        }
        let runs = runs.into_iter().map(|(id, (pending, running))| UnfinishedRuns::new(id, pending, running));
        let queue = store.queue().await?;
        let oldest = queue.workflows.iter().filter_map(|workflow| workflow.oldest_ready).min();
        let oldest = oldest.and_then(|oldest| (kernel.clock().now() - oldest).to_std().ok());
        let unclaimable = store.unclaimed_runs(&definitions, PATIENCE, MAX_UNCLAIMABLE).await?;
        Ok(BacklogMeasurements {
            runs: runs.collect(),
            jobs: QueuedJobs {
                ready: queue.total.ready,
                scheduled: queue.total.scheduled,
                leased: queue.total.leased,
                waiting: queue.total.waiting,
                dead: queue.total.dead,
            },
            oldest_ready_seconds: oldest.unwrap_or_default().as_secs_f64(),
            unclaimable_runs: unclaimable.len() as u64,
            subscribers: store.subscriber_backlogs().await?,
        })
    }
}
