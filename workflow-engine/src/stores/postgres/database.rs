//! The database as the store's tasks share it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::arrays::PgQuery;
use super::claim_optimistic::Rivals;
use super::clock::DatabaseClock;
use super::composite_types::RowTypes;
use super::failure::Failure;
use super::row_cache::KnownRuns;
use super::statements::Statements;
use super::transaction::Transaction;
use crate::ports::{Clock, HighestPriority, Hints};
use crate::stores::pending_notifications::PendingNotifications;
use crate::stores::{Closed, instant};

/// What a store has done to its database since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresStatistics {
    /// Write transactions.
    pub transactions: u64,
    /// Statements in them, `BEGIN` and `COMMIT` not counted.
    pub statements: u64,
    /// Decisions, claims and other requests that they carried.
    pub requests: u64,
}

/// The counts behind [`PostgresStatistics`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) transactions: AtomicU64,
    pub(super) statements: AtomicU64,
    pub(super) requests: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> PostgresStatistics {
        PostgresStatistics {
            transactions: self.transactions.load(Ordering::Relaxed),
            statements: self.statements.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
        }
    }
}

/// A connection that has rested for longer may be gone without anybody's having noticed.
const RECENT: Duration = Duration::from_secs(1);

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections, statements, and what a commit has to tell.
///
/// Connections are not sqlx's pool's: one is given back only after a transaction that has come to its end, so none is
/// ever found in the middle of somebody else's, whoever was cancelled or timed out.
pub(super) struct Database {
    pub(super) connect: PgConnectOptions,
    pub(super) statements: Statements,
    pub(super) behind_pooler: bool,
    pub(super) transaction_timeout: Duration,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) hints: Arc<Hints>,
    pub(super) counters: Counters,
    pub(super) deliver_events: AtomicBool,
    /// Told when something was committed that other processes should hear of.
    pub(super) committed: Notify,
    /// The highest priority of what they may claim.
    pub(super) told: HighestPriority,
    /// What this process knows of runs.
    pub(super) known: KnownRuns,
    /// Whether other processes claim the same work.
    pub(super) rivals: Rivals,
    /// The types of the rows that it is handed.
    pub(super) row_types: Arc<RowTypes>,
    /// The database's clock as it is known here.
    pub(super) clock_here: DatabaseClock,
    idle: Mutex<Vec<Idle>>,
    readers: Semaphore,
    /// How many may read at the same time.
    turns: u32,
}

/// A connection that nobody uses.
struct Idle {
    connection: PgConnection,
    since: Instant,
}

impl Database {
    pub(super) fn new(
        connect: PgConnectOptions,
        statements: Statements,
        row_types: Arc<RowTypes>,
        options: &super::PostgresOptions,
    ) -> Self {
        Self {
            connect,
            statements,
            behind_pooler: options.behind_pooler,
            transaction_timeout: options.transaction_timeout,
            clock: options.clock.clone(),
            hints: Arc::new(Hints::new()),
            counters: Counters::default(),
            deliver_events: AtomicBool::new(false),
            committed: Notify::new(),
            told: HighestPriority::default(),
            known: KnownRuns::default(),
            rivals: Rivals::default(),
            row_types,
            clock_here: DatabaseClock::default(),
            idle: Mutex::default(),
            readers: Semaphore::new(options.connections.max(1) as usize),
            turns: options.connections.max(1),
        }
    }

    /// The instant of a test's clock; `None` where the database's own counts.
    pub(super) fn given_now(&self) -> Option<DateTime<Utc>> {
        self.clock.as_ref().map(|clock| instant::now(&**clock))
    }

    /// The instant that counts, where the database's is `now`.
    pub(super) fn now(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let given = self.given_now().unwrap_or(now);
        given.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(given)
    }

    /// A statement. Behind a pooler none is kept: the next transaction may find itself in another session.
    pub(super) fn query<'q>(&self, pick: impl FnOnce(&Statements) -> &sqlx::SqlStr) -> PgQuery<'q> {
        sqlx::query(pick(&self.statements).clone()).persistent(!self.behind_pooler)
    }

    /// A connection that is in no transaction.
    pub(super) async fn connection(&self) -> Result<PgConnection, Failure> {
        self.recent_connection().await.map(|(connection, _)| connection)
    }

    /// The same, with whether it was in use a moment ago: then it is hardly gone.
    pub(super) async fn recent_connection(&self) -> Result<(PgConnection, bool), Failure> {
        let kept = self.idle().pop();
        match kept {
            Some(Idle { connection, since }) => Ok((connection, since.elapsed() < RECENT)),
            None => self.new_connection().await.map(|connection| (connection, true)),
        }
    }

    /// A new connection.
    pub(super) async fn new_connection(&self) -> Result<PgConnection, Failure> {
        const DOING: &str = "connect to the database";

        match tokio::time::timeout(CONNECT_TIMEOUT, self.connect.connect()).await {
            Ok(connected) => connected.map_err(|error| Failure::database(DOING, error)),
            Err(_) => Err(Failure::took_too_long(DOING)),
        }
    }

    /// Takes back a connection that is in no transaction. One that comes after the end is closed.
    pub(super) fn give_back(&self, connection: PgConnection) {
        let mut idle = self.idle();
        if !self.readers.is_closed() {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// A server that went away took every connection with it. It may come back with another state than it had.
    pub(super) fn forget_idle(&self) {
        self.known.forget();
        self.idle().clear();
    }

    /// Tells everybody of a commit.
    pub(super) fn tell(&self, notifications: &PendingNotifications) {
        notifications.send(&self.hints);
        if let Some(priority) = notifications.highest_priority() {
            self.told.observe(priority);
        }
        if !notifications.is_empty() {
            self.committed.notify_one();
        }
    }

    /// Reads rows, or writes them in a transaction of this one statement. `make` binds the arguments, again where a
    /// connection turns out to be gone before the server has heard of the statement or while it is merely read.
    pub(super) async fn fetch(
        &self,
        doing: &'static str,
        make: impl Fn(&Self) -> PgQuery<'static> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        let Ok(_turn) = self.readers.acquire().await else { return Err(Failure::lasting(doing, Closed)) };
        match self.try_fetch(doing, make(self)).await {
            Err(failure) if failure.is_away() => self.try_fetch(doing, make(self)).await,
            outcome => outcome,
        }
    }

    async fn try_fetch(&self, doing: &'static str, query: PgQuery<'static>) -> Result<Vec<PgRow>, Failure> {
        let mut connection = self.connection().await?;
        let fetched = async {
            let mut transaction = Transaction::new(self, &mut connection);
            if !self.behind_pooler {
                return transaction.fetch_alone(doing, query).await;
            }
            // An unnamed statement is prepared and run in two steps, which a pooler keeps in one session only within
            // a transaction.
            let rows = read_alone(&mut transaction, doing, query).await;
            if rows.is_err() {
                // Left open, it would cost the pooler a session.
                transaction.roll_back().await;
            }
            rows
        };
        let fetched = match tokio::time::timeout(self.transaction_timeout, fetched).await {
            Ok(fetched) => fetched,
            Err(_) => Err(Failure::took_too_long(doing)),
        };
        match fetched {
            Ok(rows) => {
                self.give_back(connection);
                Ok(rows)
            }
            Err(failure) => {
                if failure.is_away() {
                    self.forget_idle();
                }
                Err(failure)
            }
        }
    }

    /// Closes the connections, when everybody has read to the end: whoever sees one go away in the middle of a
    /// transaction, the server or a pooler before it, has to throw away its session.
    pub(super) async fn close(&self) {
        let everybody = self.readers.acquire_many(self.turns).await;
        self.readers.close();
        drop(everybody);
        let idle = std::mem::take(&mut *self.idle());
        for Idle { connection, .. } in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection was not closed in an orderly way");
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // Nothing panics under this lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction of one statement.
async fn read_alone(
    transaction: &mut Transaction<'_>,
    doing: &'static str,
    query: PgQuery<'static>,
) -> Result<Vec<PgRow>, Failure> {
    transaction.begin().await?;
    let rows = transaction.fetch_alone(doing, query).await?;
    transaction.commit().await?;
    Ok(rows)
}
