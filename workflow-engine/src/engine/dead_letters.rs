//! Dead letters: events that plugins have refused for good.

use super::Engine;
use super::list::{Cursor, List, Page};
use crate::error::Error;
use crate::kernel::ReplayDeadLetters;
use crate::ports::DeadLetterFilter;
use crate::records::{DeadLetter, DeadLetterPlace};

const LIST: &str = "dead-letters";

impl Engine {
    /// Lists the events that a plugin refused until its retries were used up, of one plugin or of all: by plugin, oldest
    /// first. [`Engine::replay_dead_letters`] delivers them again.
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn dead_letters(&self, plugin: Option<&str>) -> List<DeadLetter> {
        let (engine, plugin) = (self.clone(), plugin.map(str::to_owned));
        List::new(move |after: Option<Cursor>, limit| {
            let (engine, plugin) = (engine.clone(), plugin.clone());
            async move {
                let after: Option<DeadLetterPlace> = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let letters =
                    engine.kernel().dead_letters(plugin.as_deref(), after.as_ref(), limit + 1).await;
                let letters = letters.map_err(|error| engine.unless_store_closed(error))?;
                Ok(Page::of(letters, limit, |letter| Cursor::new(LIST, letter.place())))
            }
        })
    }

    /// Delivers dead letters again, with all their retries: the oldest of each plugin first, at most `limit`. Events that
    /// were blocked behind them follow. Returns their number.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// use workflow_engine::DeadLetterFilter;
    ///
    /// let letters = DeadLetterFilter::new().plugin("bell");
    /// assert_eq!(engine.replay_dead_letters(&letters, 100).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `INVALID_REQUEST` if `letters` has a sequence number without a run, or an error of the store.
    pub async fn replay_dead_letters(
        &self,
        letters: &DeadLetterFilter,
        limit: usize,
    ) -> Result<usize, Error> {
        Ok(self.dispatch(ReplayDeadLetters::new(letters.clone(), limit)).await?.replayed)
    }
}
