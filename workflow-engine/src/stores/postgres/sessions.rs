//! The server's sessions: each connection has its own, or a pooler in transaction mode shares them.
//!
//! Behind such a pooler, the next transaction of a connection may run in the session of another client. Prepared
//! statements then collide or are missing, settings are lost, and notifications do not arrive. So a store that shares
//! sessions keeps nothing in them. The same holds for a pool of the program, whose sessions the program uses as well. The user declares the pooler (`PostgresOptions::behind_pooler`); a store that meets one
//! that is not declared notices it when it opens, or at the latest by the first error that only a pooler can cause.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use tokio_util::sync::CancellationToken;

use super::options::PostgresOptions;
use crate::error::Error;

/// How a store uses sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    own: Mode,
    shared: Mode,
    are_shared: AtomicBool,
    /// Whether the program shares its pool, whose sessions the server itself keeps apart.
    is_pool: bool,
    /// Cancelled when the sessions turn out to be shared.
    found_shared: CancellationToken,
}

/// What differs between the two kinds of sessions.
#[derive(Debug)]
pub(super) struct Mode {
    pub(super) connect: PgConnectOptions,
    /// `BEGIN`, with the settings of the transaction.
    pub(super) begin: SqlStr,
}

impl Sessions {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, Error> {
        let mode = |shared| {
            let begin = AssertSqlSafe(options.begin(shared)).into_sql_str();
            Ok::<_, Error>(Mode { connect: options.connect(shared)?, begin })
        };
        Ok(Self {
            own: mode(false)?,
            shared: mode(true)?,
            are_shared: AtomicBool::new(options.behind_pooler || options.pool.is_some()),
            is_pool: options.pool.is_some() && !options.behind_pooler,
            found_shared: CancellationToken::new(),
        })
    }

    /// Returns whether another client may use the session of a connection between two transactions.
    pub(super) fn are_shared(&self) -> bool {
        self.are_shared.load(Ordering::Relaxed)
    }

    /// Returns whether a connection of the store's own receives notifications.
    pub(super) fn can_listen(&self) -> bool {
        self.is_pool || !self.are_shared()
    }

    pub(super) fn mode(&self) -> &Mode {
        if self.are_shared() { &self.shared } else { &self.own }
    }

    /// Notes that the sessions are shared, and how that showed.
    pub(super) fn note_shared(&self, symptom: &str) {
        if !self.are_shared.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                symptom,
                "the server is reached through a pooler in transaction mode; set `PostgresOptions::behind_pooler`, as this store does by itself from now on"
            );
            self.found_shared.cancel();
        }
    }

    /// Waits until the sessions turn out to be shared.
    pub(super) async fn found_shared(&self) {
        self.found_shared.cancelled().await;
    }
}
