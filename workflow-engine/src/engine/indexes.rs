//! The optional indexes of the store.

use super::Engine;
use crate::error::Error;
use crate::ports::OptionalIndex;

impl Engine {
    /// Adds an optional index to the store. Returns `false` if the store has it already.
    ///
    /// All processes use it from then on. On a SQLite file, commits wait while the index is made, some seconds for a million
    /// runs; on PostgreSQL, runs continue meanwhile.
    ///
    /// ```
    /// use workflow_engine::ports::OptionalIndex;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// assert!(engine.add_index(OptionalIndex::ByWorkflow).await?);
    /// assert!(!engine.add_index(OptionalIndex::ByWorkflow).await?);
    /// assert!(engine.drop_index(OptionalIndex::ByWorkflow).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `MISSING_PRIVILEGE` if the role of the database does not own the tables; an error of the store.
    pub async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        self.kernel().store().add_index(index).await.map_err(|error| self.unless_store_closed(error))
    }

    /// Drops an optional index of the store. Returns `false` if the store does not have it. Lists that used it read the runs
    /// of other workflows too from then on.
    ///
    /// # Errors
    /// As [`Engine::add_index`].
    pub async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        self.kernel().store().drop_index(index).await.map_err(|error| self.unless_store_closed(error))
    }
}
