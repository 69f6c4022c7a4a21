//! Queries that read the first rows of each of some definitions.
//!
//! The indexes of waiting work begin with the definition, so a query never walks the work of other workers, however much
//! there is. For several definitions a statement is a `UNION ALL`: SQLite walks one index range for each arm, as far as
//! the limit requires. A statement has a fixed number of arms, so a worker with more definitions runs it several times.

use std::cmp::Ordering;

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::SqliteStore;

/// The number of arms of a statement, each for one definition.
const ARMS: usize = 8;

/// Builds a statement of eight arms, for the definitions in the arguments `?1` to `?8`. `$arm` is a macro that builds an
/// arm from the name of its argument. `$end` orders and limits the whole, with arguments from `?9` on.
macro_rules! per_definition {
    ($arm:ident, $end:literal) => {
        concat!(
            $arm!("?1"),
            " UNION ALL ",
            $arm!("?2"),
            " UNION ALL ",
            $arm!("?3"),
            " UNION ALL ",
            $arm!("?4"),
            " UNION ALL ",
            $arm!("?5"),
            " UNION ALL ",
            $arm!("?6"),
            " UNION ALL ",
            $arm!("?7"),
            " UNION ALL ",
            $arm!("?8"),
            $end
        )
    };
}

pub(super) use per_definition;

/// Returns the statement once for each chunk of definitions, with these bound to its first arguments.
pub(super) fn queries<'q>(
    store: &SqliteStore,
    sql: &'static str,
    definitions: &[impl AsRef<str>],
) -> impl Iterator<Item = Query<'q, Sqlite, SqliteArguments>> {
    definitions.chunks(ARMS).map(move |chunk| {
        // An arm without a definition finds no rows, because no value equals NULL.
        let definition = |arm: usize| chunk.get(arm).map(|definition| definition.as_ref().to_owned());
        (0..ARMS).fold(store.query(sql), |query, arm| query.bind(definition(arm)))
    })
}

/// Returns the first arguments for each chunk of definitions, for the connection that writes.
pub(super) fn chunks<'a>(definitions: &[&'a str]) -> impl Iterator<Item = [Option<&'a str>; ARMS]> {
    definitions.chunks(ARMS).map(|chunk| std::array::from_fn(|arm| chunk.get(arm).copied()))
}

/// Returns the first `limit` rows of several results.
pub(super) fn merge<T>(mut rows: Vec<T>, limit: usize, order: impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
    rows.sort_by(order);
    rows.truncate(limit);
    rows
}
