//! Diagnosis: what an operator must know about the condition of a store.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::indexes::IndexCondition;
use crate::error::Error;
use crate::value::Cost;

/// Tells in what condition a store is.
#[async_trait]
pub trait Diagnosis: Send + Sync {
    /// Returns the condition of the store. It only reads, and each part of it reads a bounded number of rows.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn condition(&self) -> Result<StoreCondition, Error>;
}

/// The condition of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StoreCondition {
    /// The instant on the clock of the store: that of the database, where it has one.
    pub now: DateTime<Utc>,
    /// The instant at which the newest run was created.
    pub newest_run_at: Option<DateTime<Utc>>,
    /// The settings with which acknowledged commits may be lost, as `fsync = off`.
    pub weak_settings: Vec<String>,
    /// The events that wait for delivery, by subscriber.
    pub waiting_events: Vec<WaitingEvents>,
    /// The commits whose events have not been passed on to the subscribers yet; the first 10,000 are counted.
    pub unpublished_commits: u64,
    /// The calls of models whose outcome is unknown, among the newest 10,000 calls.
    pub unknown_calls: u64,
    /// The most that these calls can have cost.
    pub unknown_cost: Cost,
    /// The transactions of the database that have been open for more than a second, oldest first; at most 20.
    pub open_transactions: Vec<OpenTransaction>,
    /// The connections that the server has, and the most that it admits.
    pub connections: Option<Connections>,
    /// The bytes of the write-ahead log of a SQLite file.
    pub log_bytes: Option<u64>,
    /// The encoding of the database, unless it is UTF-8.
    pub narrow_encoding: Option<String>,
    /// The optional indexes that the store has.
    pub optional_indexes: Vec<IndexCondition>,
}

impl StoreCondition {
    /// Creates the condition of a store in which nothing is wrong.
    #[must_use]
    pub const fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            newest_run_at: None,
            weak_settings: Vec::new(),
            waiting_events: Vec::new(),
            unpublished_commits: 0,
            unknown_calls: 0,
            unknown_cost: Cost::ZERO,
            open_transactions: Vec::new(),
            connections: None,
            log_bytes: None,
            narrow_encoding: None,
            optional_indexes: Vec::new(),
        }
    }
}

/// The events of runs that wait for delivery to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingEvents {
    /// The plugin's name, or `sink`.
    pub subscriber: String,
    /// The number of runs with events; the first 10,000 are counted.
    pub runs: u64,
    /// The instant at which the oldest delivery became due.
    pub oldest_due_at: DateTime<Utc>,
}

/// A transaction of a session of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenTransaction {
    /// The server's id of the session.
    pub session: i64,
    /// The role and the application, as far as they are known.
    pub owner: String,
    /// What the session does: `idle in transaction` if its program has left it open.
    pub state: String,
    /// The instant at which the transaction began.
    pub since: DateTime<Utc>,
}

/// The connections of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// The number of connections.
    pub used: u64,
    /// The most connections.
    pub limit: u64,
}
