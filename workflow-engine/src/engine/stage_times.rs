//! How long the stages of a workflow take.

use super::Engine;
use crate::error::Error;
use crate::ports::RunFilter;
use crate::records::StageTimes;

/// The most runs that are read.
const RUNS: usize = 1_000;

impl Engine {
    /// Returns how long the stages of a workflow take, and how often they fail, in its newest 1,000 runs. Where the store
    /// would have to search long for that many, in those that it finds in about 40 milliseconds.
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
    /// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// engine.start::<Doubling>(DoubleInput { number: 21 }).await?.output().await?;
    /// let times = engine.stage_times("doubling").await?;
    /// assert_eq!((times.runs, times.stages[0].completed), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn stage_times(&self, workflow_id: &str) -> Result<StageTimes, Error> {
        let runs = self.runs(&RunFilter::new().workflow_id(workflow_id)).limit(RUNS).await?;
        let ids = runs.iter().map(|run| run.id).collect();
        let ends = self.store().stage_ends(ids).await;
        let ends = ends.map_err(|error| self.unless_store_closed(error))?;
        let since = runs.last().map(|run| run.created_at);
        Ok(StageTimes::of(workflow_id.to_owned(), runs.len() as u64, since, ends))
    }
}
