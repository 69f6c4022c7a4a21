//! The definitions of workflows in the store.

use super::Engine;
use crate::error::Error;
use crate::records::DefinitionRecord;

impl Engine {
    /// The definitions of workflows that processes have registered in the store, by workflow and version: also of
    /// workflows that this process does not have. [`Engine::versions`] adds their unfinished runs.
    ///
    /// ```
    /// use workflow_engine::definition::Layout;
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
    /// let definitions = engine.definitions().await?;
    /// let layout = Layout::of_description(&definitions[0].description).unwrap();
    /// assert_eq!(layout.stages[0].stage_id, "double");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error> {
        self.store().definitions().await.map_err(|error| self.unless_store_closed(error))
    }

    /// The definition with this fingerprint, which its runs carry; `None` if no process has registered it.
    ///
    /// # Errors
    /// An error of the store.
    pub async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error> {
        let found = self.store().definition(fingerprint).await;
        found.map_err(|error| self.unless_store_closed(error))
    }
}
