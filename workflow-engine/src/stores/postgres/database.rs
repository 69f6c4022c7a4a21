//! The state that the store's tasks share: connections, statements, caches and signals.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::arrays::PgQuery;
use super::clock::DatabaseClock;
use super::commit_steps::CommitSteps;
use super::composite_types::RowTypes;
use super::connection::{SharedPool, StoreConnection};
use super::contention::Contention;
use super::failure::Failure;
use super::options::PostgresOptions;
use super::sessions::Sessions;
use super::statements::Statements;
use super::write_sql::StatementForm;
use crate::ports::{Clock, HighestPriority, Hints};
use crate::records::RunRecord;
use crate::stores::commit::RowCache;
use crate::stores::instant;
use crate::stores::pending_notifications::PendingNotifications;
use crate::stores::working_set::{RunRows, Tracked};
use crate::value::IdMap;

/// Counts of the work that a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresStatistics {
    /// Write transactions.
    pub transactions: u64,
    /// Statements in them, without `BEGIN` and `COMMIT`.
    pub statements: u64,
    /// Decisions, claims and other requests that they carried.
    pub requests: u64,
}

/// The counters behind [`PostgresStatistics`].
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

/// The most inspections at the same time.
const INSPECTORS: u32 = 2;

/// A connection that was idle for longer may have been lost without notice.
const MAX_RECENT_IDLE: Duration = Duration::from_secs(1);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a task waits for a connection of this store before it asks a full server again.
const FULL_SERVER_PAUSE: Duration = Duration::from_millis(250);

/// The shared state of one store.
///
/// It keeps its own connections itself instead of in a pool of sqlx: a task returns a connection only after its transaction
/// has ended, so no task receives one that is in the middle of a cancelled or timed-out transaction.
pub(super) struct Database {
    pub(super) sessions: Sessions,
    /// The program's pool, which lends the connections.
    pub(super) pool: Option<SharedPool>,
    pub(super) statements: Statements,
    pub(super) transaction_timeout: Duration,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) hints: Arc<Hints>,
    pub(super) counters: Counters,
    /// Signalled after a commit of which other processes are to be notified.
    pub(super) committed: Notify,
    /// The highest priority of the work that these commits made claimable.
    pub(super) committed_priority: HighestPriority,
    row_cache: Mutex<RowCache>,
    pub(super) commit_steps: CommitSteps,
    pub(super) contention: Contention,
    /// The types of the rows that a commit sends.
    pub(super) row_types: Arc<RowTypes>,
    pub(super) clock_estimate: DatabaseClock,
    /// Whether the instants were corrected since the store was opened.
    pub(super) is_corrected: AtomicBool,
    idle: Mutex<Vec<IdleConnection>>,
    /// Signalled when a connection becomes idle.
    released: Notify,
    pub(super) readers: Semaphore,
    /// The inspections that may run at the same time.
    pub(super) inspectors: Semaphore,
    /// The number of permits of `readers`.
    max_readers: u32,
}

/// A connection that no task uses.
struct IdleConnection {
    connection: PgConnection,
    since: Instant,
}

impl Database {
    pub(super) fn new(
        sessions: Sessions,
        statements: Statements,
        row_types: Arc<RowTypes>,
        options: &PostgresOptions,
    ) -> Self {
        Self {
            sessions,
            pool: options.pool.clone().map(SharedPool::new),
            statements,
            transaction_timeout: options.transaction_timeout,
            clock: options.clock.clone(),
            hints: Arc::new(Hints::new()),
            counters: Counters::default(),
            committed: Notify::new(),
            committed_priority: HighestPriority::default(),
            row_cache: Mutex::default(),
            commit_steps: CommitSteps::default(),
            contention: Contention::default(),
            row_types,
            clock_estimate: DatabaseClock::default(),
            is_corrected: AtomicBool::new(false),
            idle: Mutex::default(),
            released: Notify::new(),
            inspectors: Semaphore::new(INSPECTORS as usize),
            readers: Semaphore::new(options.connections as usize),
            max_readers: options.connections,
        }
    }

    /// Returns the instant of a test's clock, or `None` where the database's clock counts.
    pub(super) fn test_now(&self) -> Option<DateTime<Utc>> {
        self.clock.as_ref().map(|clock| instant::now(&**clock))
    }

    /// Returns the instant that counts, where the database's clock shows `now`.
    pub(super) fn now(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let now = self.test_now().unwrap_or(now);
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// Returns a statement, to which its arguments are to be bound.
    pub(super) fn query<'q>(&self, text: &'static str) -> PgQuery<'q> {
        self.query_of(self.statements.filled(text))
    }

    /// Returns the statement that writes a commit of this form.
    pub(super) fn write_query<'q>(&self, form: StatementForm) -> PgQuery<'q> {
        self.query_of(self.statements.write(form))
    }

    fn query_of<'q>(&self, sql: sqlx::SqlStr) -> PgQuery<'q> {
        // Behind a pooler no statement stays prepared: the next transaction may run in another session.
        sqlx::query(sql).persistent(!self.sessions.are_shared())
    }

    /// Takes a connection that is in no transaction.
    pub(super) async fn connection(&self) -> Result<StoreConnection, Failure> {
        self.recent_connection().await.map(|(connection, _)| connection)
    }

    /// Takes a connection that is in no transaction. The flag tells whether it is new or was used less than
    /// [`MAX_RECENT_IDLE`] ago; such a connection is hardly ever lost.
    ///
    /// Where the server, or the role, allows no further connection, it waits for one of this store's.
    pub(super) async fn recent_connection(&self) -> Result<(StoreConnection, bool), Failure> {
        let end = Instant::now() + CONNECT_TIMEOUT;
        loop {
            let mut released = std::pin::pin!(self.released.notified());
            // Registers this task before it checks the idle connections, so that it misses none.
            released.as_mut().enable();
            let kept = self.idle().pop();
            if let Some(IdleConnection { connection, since }) = kept {
                return Ok((StoreConnection::own(connection), since.elapsed() < MAX_RECENT_IDLE));
            }
            match self.new_connection().await {
                Err(failure) if failure.is_server_full() && Instant::now() < end => {}
                connected => return connected.map(|connection| (connection, true)),
            }
            // Another program may end a connection without notice, so the wait ends by itself as well.
            let _ = tokio::time::timeout(FULL_SERVER_PAUSE, released).await;
        }
    }

    /// Opens a connection.
    pub(super) async fn new_connection(&self) -> Result<StoreConnection, Failure> {
        let opened = self.try_new_connection().await;
        match opened.as_ref().err().and_then(Failure::shared_session) {
            Some(symptom) if !self.sessions.are_shared() => {
                self.sessions.note_shared(&symptom);
                self.discard_connections();
                self.try_new_connection().await
            }
            _ => opened,
        }
    }

    async fn try_new_connection(&self) -> Result<StoreConnection, Failure> {
        const ACTION: &str = "connect to the database";

        let connected = async {
            match &self.pool {
                Some(pool) => pool.acquire().await,
                None => self.sessions.mode().connect.connect().await.map(StoreConnection::own),
            }
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connected).await {
            Ok(connected) => connected.map_err(|error| Failure::database(ACTION, error)),
            Err(_) => Err(Failure::timed_out(ACTION)),
        }
    }

    /// Returns a connection that is in no transaction. After the store was closed, the connection is dropped.
    pub(super) fn release(&self, connection: StoreConnection) {
        let Some(connection) = connection.into_idle() else { return };
        if self.sessions.are_shared() && connection.cached_statements_size() > 0 {
            // It was opened before the sessions turned out to be shared, and would use its prepared statements.
            drop(connection);
            return self.released.notify_one();
        }
        let mut idle = self.idle();
        if !self.readers.is_closed() {
            idle.push(IdleConnection { connection, since: Instant::now() });
            self.released.notify_one();
        }
    }

    /// Drops the connections after a failure that has cost one.
    pub(super) fn note_lost(&self, failure: &Failure) {
        if let Some(symptom) = failure.shared_session() {
            self.sessions.note_shared(&symptom);
        }
        self.discard_connections();
    }

    /// Drops the idle connections and the cached rows. A server that went away lost every connection, and it may come
    /// back with an older state.
    pub(super) fn discard_connections(&self) {
        self.row_cache().clear();
        self.idle().clear();
    }

    /// Caches a pending run as it was read; it has no stages yet.
    pub(super) fn cache_pending(&self, run: &RunRecord, commits: i64) {
        let rows = RunRows { run: Tracked::stored(run.clone()), commits, ..RunRows::default() };
        self.row_cache().insert(IdMap::from_iter([(run.id, rows)]), |_| 0);
    }

    /// Returns the row cache. Nothing awaits while it holds the guard.
    pub(super) fn row_cache(&self) -> MutexGuard<'_, RowCache> {
        // Nothing panics under this lock.
        self.row_cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a commit's hints to this process, and has `external_commits.rs` notify the others.
    pub(super) fn notify(&self, notifications: &PendingNotifications) {
        notifications.send(&self.hints);
        if let Some(priority) = notifications.highest_priority() {
            self.committed_priority.observe(priority);
        }
        if !notifications.is_empty() {
            self.committed.notify_one();
        }
    }

    /// Closes the connections once every read has finished: when a connection is lost within a transaction, a pooler in
    /// front of the server has to throw away the server's session.
    pub(super) async fn close(&self) {
        let all = self.readers.acquire_many(self.max_readers).await;
        self.readers.close();
        drop(all);
        let all = self.inspectors.acquire_many(INSPECTORS).await;
        self.inspectors.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for IdleConnection { connection, .. } in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection did not close cleanly");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<IdleConnection>> {
        // Nothing panics under this lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
