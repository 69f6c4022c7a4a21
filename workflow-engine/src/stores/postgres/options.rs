//! How a database is opened.

use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::error::Error;
use crate::ports::Clock;

/// Settings of a [`PostgresStore`](super::PostgresStore).
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// The database: `postgres://user:password@host:port/database`, with libpq's parameters after a `?`.
    pub url: String,
    /// The schema that holds the tables, created where there is none; default `workflow_engine`. Lower-case letters,
    /// digits and `_`, at most 40 of them, the first no digit. Each schema is a store of its own.
    pub schema: String,
    /// How many connections commit, at least 1; default 4. As many at most read, and one listens.
    pub connections: u32,
    /// Whether a pooler in transaction mode stands in between; default no. Then nothing is kept in a session: no
    /// prepared statements, no listening, and timeouts are set in each transaction. What other processes commit is
    /// noticed by polling.
    pub behind_pooler: bool,
    /// How long a transaction may take, waiting for locks included, before it is given up with an error that is
    /// retryable; default 30 seconds.
    pub transaction_timeout: Duration,
    /// Where instants come from; default the database's clock, the only one that all processes share. For tests.
    pub clock: Option<Arc<dyn Clock>>,
}

impl PostgresOptions {
    /// The defaults, for the database at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "workflow_engine".to_owned(),
            connections: 4,
            behind_pooler: false,
            transaction_timeout: Duration::from_secs(30),
            clock: None,
        }
    }
}

impl<T: Into<String>> From<T> for PostgresOptions {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

/// Without the password.
impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("url", &redacted(&self.url))
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("behind_pooler", &self.behind_pooler)
            .field("transaction_timeout", &self.transaction_timeout)
            .finish_non_exhaustive()
    }
}

/// A transaction goes from statement to statement without a pause. A process that falls silent in one, suspended or cut
/// off, would keep its runs locked for the others beyond the end of its leases: after so many milliseconds the server
/// cuts it off.
const LONGEST_SILENCE: u128 = 5_000;

/// The longest name of a schema: a channel is named after it, and identifiers have 63 bytes.
const LONGEST_SCHEMA: usize = 40;

/// The schema's name, which is put into statements as it is.
pub(super) fn schema_of(options: &PostgresOptions) -> Result<&str, Error> {
    let name = options.schema.as_str();
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    let goes_on = |rest: char| rest.is_ascii_lowercase() || rest.is_ascii_digit() || rest == '_';
    if begins && name.chars().all(goes_on) && name.len() <= LONGEST_SCHEMA && !name.starts_with("pg_") {
        return Ok(name);
    }
    let reason =
        "the schema's name needs lower-case letters, digits and `_`, at most 40, and no `pg_` before it";
    Err(Error::unsupported_url(name, reason))
}

/// Planner settings under which a statement's plan is the same however many rows there were when it was made: rows
/// are found through their indexes. A plan made over empty tables would scan them, and go on to do so.
const PLANNER: [(&str, &str); 6] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_bitmapscan", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
];

impl PostgresOptions {
    /// What a connection is made with.
    pub(super) fn connect(&self) -> Result<PgConnectOptions, Error> {
        let url = self.url.as_str();
        let parsed: PgConnectOptions = url
            .parse()
            .map_err(|error: sqlx::Error| Error::unsupported_url(&redacted(url), &error.to_string()))?;
        let named = parsed.get_application_name().is_some();
        let parsed = if named { parsed } else { parsed.application_name("workflow-engine") };
        // sqlx logs each statement, which costs more than some of them.
        let quiet = parsed.disable_statement_logging();
        if self.behind_pooler {
            // A pooler refuses startup parameters that it does not know.
            return Ok(quiet.statement_cache_capacity(0).extra_float_digits(None));
        }
        Ok(quiet.options(self.session_settings()))
    }

    /// `BEGIN`, with what a session would hold behind a pooler.
    pub(super) fn begin(&self) -> String {
        let mut begin = "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned();
        if self.behind_pooler {
            for (name, value) in self.session_settings() {
                begin.push_str("; SET LOCAL ");
                begin.push_str(name);
                begin.push_str(" = '");
                begin.push_str(&value);
                begin.push('\'');
            }
        }
        begin
    }

    fn session_settings(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let timeout = self.transaction_timeout.as_millis().clamp(1, 86_400_000);
        let timeouts = [
            ("statement_timeout", timeout),
            ("lock_timeout", timeout),
            ("idle_in_transaction_session_timeout", timeout.min(LONGEST_SILENCE)),
        ];
        let timeouts = timeouts.into_iter().map(|(name, timeout)| (name, timeout.to_string()));
        timeouts.chain(PLANNER.into_iter().map(|(name, value)| (name, value.to_owned())))
    }
}

/// The URL without its password.
pub(super) fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "(not a URL)".to_owned() };
    let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_plain_name() {
        let named = |schema: &str| PostgresOptions {
            schema: schema.into(),
            ..PostgresOptions::new("postgres://host/name")
        };
        for name in ["workflow_engine", "_a1", &"a".repeat(40)] {
            assert_eq!(schema_of(&named(name)).unwrap(), name);
        }
        for name in ["", "1a", "a b", "a\"b", "A", "pg_a", "a;drop", "größe", &"a".repeat(41)] {
            assert_eq!(schema_of(&named(name)).unwrap_err().code(), "UNSUPPORTED_STORE", "{name}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://user:secret@host:5432/name?sslmode=require", "postgres://host:5432/name"),
            ("postgres://host/name?password=secret", "postgres://host/name"),
            ("postgres://user:se@cret@host/name", "postgres://host/name"),
            ("secret", "(not a URL)"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
