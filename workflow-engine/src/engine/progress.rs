//! How far runs are.

use std::collections::BTreeMap;

use super::Engine;
use crate::error::Error;
use crate::records::{RunProgress, RunRecord, Status};
use crate::value::RunId;

impl Engine {
    /// Returns how far these runs are, in their order: how many of their stages have ended. `None` for a run whose
    /// definition is neither in this process nor in the store.
    ///
    /// ```
    /// use workflow_engine::RunFilter;
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// engine.start::<Doubling>(DoubleInput { number: 21 }).await?.output().await?;
    /// let runs = engine.runs(&RunFilter::new()).await?;
    /// let progress = engine.progress(&runs).await?;
    /// assert_eq!(progress[0].unwrap().to_string(), "1/1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn progress(&self, runs: &[RunRecord]) -> Result<Vec<Option<RunProgress>>, Error> {
        let progress = self.read_progress(runs).await;
        progress.map_err(|error| self.unless_store_closed(error))
    }

    async fn read_progress(&self, runs: &[RunRecord]) -> Result<Vec<Option<RunProgress>>, Error> {
        let ids = |is_wanted: fn(Status) -> bool| {
            runs.iter().filter(|run| is_wanted(run.status)).map(|run| run.id).collect::<Vec<_>>()
        };
        // While a run continues, a stage that failed has been caught.
        let ended = [Status::Completed, Status::Skipped, Status::Failed, Status::Cancelled];
        let mut done = self.count_stages(ids(|status| status == Status::Running), &ended).await?;
        let stopped = ids(|status| matches!(status, Status::Failed | Status::Cancelled));
        done.extend(self.count_stages(stopped, &ended[..2]).await?);
        let mut progress = Vec::with_capacity(runs.len());
        for run in runs {
            let stages = self.kernel().definition_stages(&run.definition_fingerprint).await?;
            progress.push(stages.map(|stages| {
                let total = stages.count();
                let done = match run.status {
                    Status::Completed => total,
                    _ => done.get(&run.id).copied().unwrap_or_default().min(total),
                };
                RunProgress::new(done, total)
            }));
        }
        Ok(progress)
    }

    async fn count_stages(
        &self,
        runs: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        if runs.is_empty() { Ok(BTreeMap::new()) } else { self.store().count_stages(runs, statuses).await }
    }
}
