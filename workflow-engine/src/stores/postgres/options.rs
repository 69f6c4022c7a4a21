//! The options of a store, and the connection settings that follow from them.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgPool};

use crate::error::{Error, redacted, redacted_text};
use crate::ports::Clock;
use crate::stores::sql_texts::is_identifier;
use crate::value::setting::{DAY, check_range};

/// Settings of a [`PostgresStore`](super::PostgresStore).
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// The database: `postgres://user:password@host:port/database`, with libpq's parameters after a `?`.
    ///
    /// Three parameters set the options below: `schema=jobs`, `connection_limit=2` and `pgbouncer=true` (behind a pooler).
    /// It is an error to set an option to two values. `connect_timeout`, `channel_binding`, `target_session_attrs`,
    /// `client_encoding`, `gssencmode` and `keepalives…` are accepted and have no effect; any other parameter is an error.
    pub url: String,
    /// The schema that holds the tables; it is created if it does not exist. Default `workflow_engine`. At most 40
    /// lower-case letters, digits and `_`; it starts with no digit and not with `pg_`. Each schema is a separate store.
    pub schema: String,
    /// The number of connections that commit, 1 to 1,000; default 4. At most as many read, and one listens.
    pub connections: u32,
    /// Whether the server is reached through a pooler in transaction mode; default no. The store then keeps nothing in
    /// a session: it prepares no statements, does not listen, sets timeouts in each transaction, and notices the
    /// commits of other processes by polling. A pooler that is not declared is found when the store opens, or by the
    /// first error that only a pooler causes; the store then works like this by itself, and logs a warning.
    pub behind_pooler: bool,
    /// The number of connections that commit stages with statements of their own (`ctx.transaction()`), 1 to
    /// 1,000; default 4. Such a commit may wait for locks on your tables, so it has a separate connection and delays no other
    /// work. They are opened when they are first needed.
    ///
    /// A statement that waits for a lock occupies a connection for up to 0.2 s at a time. With two or more connections, one
    /// is kept for stages that have not met a lock. A stage that met one for a moment waits for at most two tries of others.
    pub statement_connections: u32,
    /// How long the statements of one stage may wait for locks that other sessions hold on your tables; 0 to 1
    /// day, default 5 minutes. Until then the wait costs no attempt: the stage keeps its lease, and the commit is tried again and
    /// again. Afterwards the attempt fails with `STATEMENT_FAILED`, and the error names the statement.
    pub statement_lock_wait: Duration,
    /// How long a transaction may take, including the wait for locks, before it fails with a retryable error; 100 ms to
    /// 1 day, default 30 seconds.
    pub transaction_timeout: Duration,
    /// A pool of the program that lends the store its connections, in place of `url`, which is empty then; default none.
    /// [`from_pool`](Self::from_pool) sets it.
    pub pool: Option<PgPool>,
    /// A clock for tests; default the database's clock, the only one that all processes share.
    pub clock: Option<Arc<dyn Clock>>,
}

impl PostgresOptions {
    /// Creates the default options for the database at `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "workflow_engine".to_owned(),
            connections: 4,
            behind_pooler: false,
            statement_connections: 4,
            statement_lock_wait: Duration::from_secs(300),
            transaction_timeout: Duration::from_secs(30),
            pool: None,
            clock: None,
        }
    }

    /// Creates the options of a store that shares a pool of the program: see [`PostgresStore::from_pool`].
    ///
    /// `connections` is half of the pool's connections and `statement_connections` a quarter, at most 4 each.
    ///
    /// [`PostgresStore::from_pool`]: super::PostgresStore::from_pool
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        let size = pool.options().get_max_connections();
        let part = |part: u32| (size / part).clamp(1, 4);
        let mut options = Self::new("");
        (options.connections, options.statement_connections) = (part(2), part(4));
        options.pool = Some(pool);
        options
    }
}

impl<T: Into<String>> From<T> for PostgresOptions {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

/// Shows no password.
impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("url", &redacted(&self.url))
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("behind_pooler", &self.behind_pooler)
            .field("statement_connections", &self.statement_connections)
            .field("statement_lock_wait", &self.statement_lock_wait)
            .field("transaction_timeout", &self.transaction_timeout)
            .field("has_pool", &self.pool.is_some())
            .finish_non_exhaustive()
    }
}

/// After how long without a statement the server ends a transaction. A live process sends one statement
/// after the other; a process that is suspended or cut off would keep its runs locked beyond the end of its leases.
const MAX_IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);

/// Returns the schema's name, which is checked because it becomes part of statements.
pub(super) fn schema_of(options: &PostgresOptions) -> Result<&str, Error> {
    let name = options.schema.as_str();
    if is_identifier(name) && !name.starts_with("pg_") {
        return Ok(name);
    }
    let reason = "the schema's name must be 1 to 40 lower-case letters, digits and `_`, and must start neither \
                  with a digit nor with `pg_`";
    Err(Error::unsupported_url(name, reason))
}

/// Planner settings that keep statements on indexes, each with its default. Without them, a plan that is prepared while
/// the tables are empty scans them, and a session keeps that plan as the tables grow. They suit only the engine's own
/// statements.
const PLANNER: [(&str, &str, &str); 6] = [
    ("enable_seqscan", "off", "on"),
    ("enable_hashjoin", "off", "on"),
    ("enable_mergejoin", "off", "on"),
    ("enable_bitmapscan", "off", "on"),
    ("plan_cache_mode", "force_generic_plan", "auto"),
    ("jit", "off", "off"),
];

/// Returns the settings of a transaction that is about to run statements of the user: the planner's defaults, and how
/// long a statement waits for a lock.
pub(super) fn user_settings(lock_timeout: Duration) -> String {
    let lock_timeout = ("lock_timeout", milliseconds(lock_timeout));
    let planner = PLANNER.into_iter().map(|(name, _, default)| (name, default.to_owned()));
    set_local(planner.chain([lock_timeout]))
}

fn set_local(settings: impl Iterator<Item = (&'static str, String)>) -> String {
    settings.fold(String::new(), |text, (name, value)| format!("{text}; SET LOCAL {name} = '{value}'"))
}

/// Returns a timeout as the server reads it; it reads 0 as none.
fn milliseconds(timeout: Duration) -> String {
    timeout.as_millis().clamp(1, 86_400_000).to_string()
}

impl PostgresOptions {
    /// Checks that each setting is in its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(pool) = &self.pool {
            check_range(
                "max_connections of the pool",
                &pool.options().get_max_connections(),
                &(2..=u32::MAX),
            )?;
        }
        check_range("connections", &self.connections, &(1..=1_000))?;
        check_range("statement_connections", &self.statement_connections, &(1..=1_000))?;
        check_range("statement_lock_wait", &self.statement_lock_wait, &(Duration::ZERO..=DAY))?;
        check_range("transaction_timeout", &self.transaction_timeout, &(Duration::from_millis(100)..=DAY))
    }

    /// Returns the options of a connection, whose session is its own or `shared`.
    pub(super) fn connect(&self, shared: bool) -> Result<PgConnectOptions, Error> {
        if let Some(pool) = &self.pool {
            return Ok(pool.connect_options().as_ref().clone());
        }
        let url = self.url.as_str();
        let parsed: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
            Error::unsupported_url(url, &redacted_text(&error.to_string(), url))
        })?;
        let named = parsed.get_application_name().is_some();
        let parsed = if named { parsed } else { parsed.application_name("workflow-engine") };
        // sqlx logs each statement, which costs more than some of them.
        let quiet = parsed.disable_statement_logging();
        if shared {
            // A pooler refuses startup parameters that it does not support.
            return Ok(quiet.statement_cache_capacity(0).extra_float_digits(None));
        }
        Ok(quiet.options(self.session_settings()))
    }

    /// Returns `BEGIN`; in a `shared` session it also sets what a session would hold otherwise.
    pub(super) fn begin(&self, shared: bool) -> String {
        let settings = if shared { set_local(self.session_settings()) } else { String::new() };
        format!("BEGIN ISOLATION LEVEL READ COMMITTED{settings}")
    }

    /// Returns what ends the user's statements within a transaction: the check of the constraints that they have
    /// deferred, and the settings of the engine.
    pub(super) fn end_user_statements(&self) -> String {
        format!("SET CONSTRAINTS ALL IMMEDIATE{}", set_local(self.session_settings()))
    }

    fn session_settings(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let timeout = milliseconds(self.transaction_timeout);
        let idle = self.transaction_timeout.min(MAX_IDLE_IN_TRANSACTION);
        let timeouts = [
            ("statement_timeout", timeout.clone()),
            ("lock_timeout", timeout),
            ("idle_in_transaction_session_timeout", milliseconds(idle)),
        ];
        timeouts.into_iter().chain(PLANNER.into_iter().map(|(name, value, _)| (name, value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_name_is_a_plain_identifier() {
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
}
