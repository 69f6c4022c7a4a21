//! Notifies other processes of commits, and receives their notifications.
//!
//! A notification carries the sender's id, so that a store ignores its own, and the highest priority of the work that
//! became claimable since the previous one. `NOTIFY` takes a lock that all commits on a server share, so each process
//! notifies at most once in 15 ms; the first commit after a pause is notified at once. Because a notification can be
//! lost, each process also polls the server: one statement every 5 s while nothing changes.

#![allow(
    clippy::disallowed_methods,
    reason = "it paces queries to a server that other processes use as well, so the pace is in real time"
)]

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::failure::Failure;
use super::text::stored;
use crate::error::Error;

/// The names of this file's tasks in logs.
const LISTEN: &str = "listen for commits of other processes";
const POLL: &str = "poll for commits of other processes";

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// The set of transactions that have ended: it changes with every write on the server. And the database's time: an idle
/// process would not notice otherwise that it was set.
const CURRENT_SNAPSHOT: &str = "SELECT pg_current_snapshot()::text, clock_timestamp()";

/// The shortest time between two notifications.
const MIN_NOTIFY_INTERVAL: Duration = Duration::from_millis(15);

/// The shortest and the longest time between two polls; it doubles while nothing changes.
const POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The shortest and the longest time between two attempts to connect; it doubles with each.
const RECONNECT_INTERVAL: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The connection between a store and the others on its schema.
pub(super) struct ExternalCommits {
    pub(super) database: Arc<Database>,
    /// The notification channel, named after the schema.
    pub(super) channel: String,
    /// The `application_name` of the session that listens. Others find out by it whether this process runs.
    pub(super) session: String,
    /// This store's id.
    pub(super) sender: String,
    pub(super) stop: CancellationToken,
}

impl ExternalCommits {
    /// Notifies other processes of this store's commits until the store is closed.
    pub(super) async fn notify(&self) {
        loop {
            tokio::select! {
                () = self.database.committed.notified() => {}
                () = self.stop.cancelled() => return,
            }
            let sender = stored(&self.sender);
            let payload = match self.database.committed_priority.reset() {
                Some(priority) => format!("{sender} {priority}"),
                None => sender.into_owned(),
            };
            let channel = self.channel.clone();
            let notified = self.database.fetch("notify", move |database| {
                database.query(NOTIFY).bind(channel.clone()).bind(payload.clone())
            });
            if let Err(failure) = notified.await {
                // The other processes poll.
                tracing::debug!(error = %Error::from(failure), "cannot notify other processes");
            }
            self.pause(MIN_NOTIFY_INTERVAL).await;
        }
    }

    /// Listens for the commits of other processes until the store is closed. A session that is shared receives nothing.
    pub(super) async fn listen(&self) {
        if self.database.sessions.can_listen() {
            tokio::select! {
                () = self.listen_in_own_session() => {}
                () = self.database.sessions.found_shared() => {}
            }
        }
    }

    async fn listen_in_own_session(&self) {
        let mut pause = RECONNECT_INTERVAL.0;
        while !self.stop.is_cancelled() {
            match self.listener().await {
                Ok(mut listener) => {
                    pause = RECONNECT_INTERVAL.0;
                    self.database.hints.outages().succeeded(LISTEN);
                    // Notifications that were sent while nothing listened are lost.
                    self.database.hints.everything_changed();
                    self.receive(&mut listener).await;
                }
                Err(error) => self.database.hints.outages().failed(LISTEN, &error),
            }
            self.pause(pause).await;
            pause = (pause * 2).min(RECONNECT_INTERVAL.1);
        }
    }

    async fn listener(&self) -> Result<PgListener, Error> {
        let failed = |error| Error::from(Failure::database(LISTEN, error));
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let connect = match &self.database.pool {
            // A connection of its own: listening would keep one of the program's for ever.
            Some(shared) => shared.connect_options().as_ref().clone(),
            None => self.database.sessions.mode().connect.clone(),
        };
        let connect = connect.application_name(&self.session);
        let pool = pool.connect_with(connect).await.map_err(failed)?;
        let mut listener = PgListener::connect_with(&pool).await.map_err(failed)?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        listener.listen(&self.channel).await.map_err(failed)?;
        Ok(listener)
    }

    /// Receives notifications until the connection is lost.
    async fn receive(&self, listener: &mut PgListener) {
        loop {
            let received = tokio::select! {
                received = listener.try_recv() => received,
                () = self.stop.cancelled() => return,
            };
            match received {
                Ok(Some(notification)) => self.handle(notification.payload()),
                Ok(None) => return,
                Err(error) => {
                    let error = Failure::database(LISTEN, error).into();
                    return self.database.hints.outages().failed(LISTEN, &error);
                }
            }
        }
    }

    fn handle(&self, payload: &str) {
        let (sender, priority) = payload.split_once(' ').unwrap_or((payload, ""));
        if sender == self.sender {
            return;
        }
        self.database.hints.all_runs_changed();
        if let Ok(priority) = priority.parse() {
            self.database.hints.work_ready(priority);
        }
    }

    /// Polls for writes until the store is closed: a notification can be lost, and behind a pooler there are none. A
    /// poll also sees this store's own writes, so it may give a hint without need, which is cheap.
    pub(super) async fn poll(&self) {
        let sessions = &self.database.sessions;
        let shortest = || if sessions.can_listen() { POLL_INTERVAL.1 } else { POLL_INTERVAL.0 };
        let (mut pause, mut last) = (shortest(), None);
        loop {
            self.pause(pause).await;
            if self.stop.is_cancelled() {
                return;
            }
            let rows = self.database.fetch(POLL, |database| database.query(CURRENT_SNAPSHOT));
            let polled = rows.await.map_err(Error::from);
            self.database.hints.outages().record(POLL, &polled);
            // A poll that failed says nothing about the rows.
            let row = polled.ok().and_then(|rows| rows.into_iter().next());
            if let Some(now) = row.as_ref().and_then(|row| row.try_get(1).ok()) {
                self.database.clock_estimate.observe(now);
            }
            let current = row.and_then(|row| row.try_get::<String, _>(0).ok());
            // The first poll counts as a change: the notification of an earlier commit may be lost.
            let has_changed = current.is_some() && current != last;
            if has_changed {
                self.database.hints.everything_changed();
            }
            pause = if has_changed { shortest() } else { (pause * 2).min(POLL_INTERVAL.1) };
            last = current.or(last);
        }
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
        }
    }
}
