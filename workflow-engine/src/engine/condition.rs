//! The condition of the store.

use super::Engine;
use crate::error::Error;
use crate::ports::StoreCondition;

impl Engine {
    /// Returns in what condition the store is: its clock, settings with which commits may be lost, events that wait for
    /// delivery, calls of models with an unknown outcome, long transactions. It only reads, a bounded number of rows.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// let condition = engine.store_condition().await?;
    /// assert!(condition.weak_settings.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn store_condition(&self) -> Result<StoreCondition, Error> {
        self.kernel().store().condition().await.map_err(|error| self.unless_store_closed(error))
    }
}
