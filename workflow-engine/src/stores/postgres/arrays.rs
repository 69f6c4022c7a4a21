//! Arguments of statements.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

use super::text::stored;
pub(super) use crate::stores::rows::number;

/// A statement with its bound arguments.
pub(super) type PgQuery<'a> = Query<'a, Postgres, PgArguments>;

/// Returns texts as one argument.
pub(super) fn texts(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| stored(text).into_owned()).collect()
}

/// Returns texts as one argument, each once: a definition that is listed twice would have its rows found twice.
pub(super) fn distinct_texts(texts: &[String]) -> Vec<String> {
    let distinct: BTreeSet<&String> = texts.iter().collect();
    distinct.into_iter().map(|text| stored(text).into_owned()).collect()
}

/// Returns a duration in microseconds, capped so that adding it to an instant stays within PostgreSQL's calendar.
pub(super) fn microseconds(duration: Duration) -> i64 {
    /// More than the years that are left in this crate's calendar, which ends with 9999.
    const MAX: i64 = 9_000 * 366 * 86_400 * 1_000_000;

    number(duration.as_micros()).min(MAX)
}
