//! Dead letters: events that plugins have refused for good.

use super::Engine;
use super::list::{Cursor, List, Page};
use crate::error::Error;
use crate::kernel::ReplayDeadLetters;
use crate::records::DeadLetter;

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
                let after: Option<String> = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let page = page(&engine, plugin.as_deref(), after.as_deref(), limit).await;
                let letters = page.map_err(|error| engine.unless_store_closed(error))?;
                Ok(Page::of(letters, limit, |letter| Cursor::new(LIST, place(letter))))
            }
        })
    }

    /// Delivers dead letters again, of one plugin or of all, with all their retries: the oldest of each plugin first, at
    /// most `limit`. Events that were blocked behind them follow. Returns their number.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// assert_eq!(engine.replay_dead_letters(Some("bell"), 100).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn replay_dead_letters(&self, plugin: Option<&str>, limit: usize) -> Result<usize, Error> {
        let command = ReplayDeadLetters { plugin: plugin.map(str::to_owned), limit };
        Ok(self.dispatch(command).await?.replayed)
    }
}

/// Reads the letters after a place, at most one more than `limit`. It reads the list from its beginning: a list of
/// dead letters is short.
async fn page(
    engine: &Engine,
    plugin: Option<&str>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<DeadLetter>, Error> {
    let mut read = limit + 1;
    loop {
        let letters = engine.kernel().dead_letters(plugin, read).await?;
        let is_all = letters.len() < read;
        let is_before = |letter: &DeadLetter| after.is_some_and(|after| place(letter).as_str() <= after);
        let page: Vec<_> = letters.into_iter().skip_while(is_before).take(limit + 1).collect();
        if is_all || page.len() > limit {
            return Ok(page);
        }
        read *= 2;
    }
}

/// Returns a text that sorts letters as the list does: by plugin, instant, run and event.
fn place(letter: &DeadLetter) -> String {
    let DeadLetter { plugin, event, at, .. } = letter;
    format!("{plugin}\u{0}{:020}.{}.{:020}", at.timestamp_micros(), event.run_id, event.sequence)
}
