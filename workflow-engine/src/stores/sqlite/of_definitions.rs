//! Reading what is of some definitions, in an order of its own, past whatever else there is.
//!
//! The indexes of what waits begin with the definition, so a queue full of other workers' work costs nothing. What
//! several definitions have is merged: SQLite walks one index range for each arm of a `UNION ALL`, as far as the limit
//! asks. So a statement has a fixed number of arms; a worker with more definitions asks more than once.

use std::cmp::Ordering;

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

/// The arms of a statement: definitions that it reads.
const ARMS: usize = 8;

/// One arm for each of the arguments `?1` to `?8`, the definitions. `$arm` is a macro that makes one of the name of its
/// argument; `$end` orders and limits the whole, with arguments from `?9` on.
macro_rules! of_definitions {
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

pub(super) use of_definitions;

/// The statement once for each handful of definitions, with these bound to its first arguments.
pub(super) fn queries<'q>(
    sql: &'static str,
    definitions: &[impl AsRef<str>],
) -> impl Iterator<Item = Query<'q, Sqlite, SqliteArguments>> {
    definitions.chunks(ARMS).map(move |handful| {
        // An arm without a definition finds nothing: nothing equals NULL.
        let definition = |arm: usize| handful.get(arm).map(|definition| definition.as_ref().to_owned());
        (0..ARMS).fold(sqlx::query(sql), |query, arm| query.bind(definition(arm)))
    })
}

/// The same for the connection that writes: what to bind to the first arguments, once for each handful.
pub(super) fn handfuls<'a>(definitions: &[&'a str]) -> impl Iterator<Item = [Option<&'a str>; ARMS]> {
    definitions.chunks(ARMS).map(|handful| std::array::from_fn(|arm| handful.get(arm).copied()))
}

/// The first `limit` of what several statements have answered.
pub(super) fn merge<T>(mut rows: Vec<T>, limit: usize, order: impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
    rows.sort_by(order);
    rows.truncate(limit);
    rows
}
