//! The list of dead letters.

use super::Engine;
use super::list::{Cursor, List, Page};
use crate::error::Error;
use crate::records::DeadLetter;

const LIST: &str = "dead-letters";

/// Lists the dead letters of one plugin or of all.
pub(super) fn list(engine: &Engine, plugin: Option<&str>) -> List<DeadLetter> {
    let (engine, plugin) = (engine.clone(), plugin.map(str::to_owned));
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

/// Reads the letters after a place, at most one more than `limit`. It reads the list from its beginning: it is short, or
/// somebody replays it.
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
