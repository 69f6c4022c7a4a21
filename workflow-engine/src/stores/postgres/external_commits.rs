//! Telling other processes that something was committed, and hearing it from them.
//!
//! A notification carries the sender's id, so that a store ignores its own, and the highest priority of what may be
//! claimed since the last one. `NOTIFY` takes a lock that all of a server's commits share: each process notifies at most
//! once in 15 ms, the first time at once.

#![allow(
    clippy::disallowed_methods,
    reason = "it paces queries to a server that other processes use, in their time"
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

pub(super) const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// Which transactions have ended and which have not: it changes whenever anything is written.
pub(super) const MOVED: &str = "SELECT pg_current_snapshot()::text";

/// Between two notifications.
const MIN_NOTIFY_INTERVAL: Duration = Duration::from_millis(15);

/// Between two looks where nothing is heard: from the first, doubled up to the second while nothing moves.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Between two tries to connect: from the first, doubled up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How a store and the others on its schema hear of one another.
pub(super) struct Foreign {
    pub(super) database: Arc<Database>,
    /// Named after the schema.
    pub(super) channel: String,
    /// This store's id.
    pub(super) sender: String,
    pub(super) stop: CancellationToken,
}

impl Foreign {
    /// Notifies of this store's commits until it stops.
    pub(super) async fn notify(&self) {
        loop {
            tokio::select! {
                () = self.database.committed.notified() => {}
                () = self.stop.cancelled() => return,
            }
            let sender = stored(&self.sender);
            let payload = match self.database.told.reset() {
                Some(priority) => format!("{sender} {priority}"),
                None => sender.into_owned(),
            };
            let channel = self.channel.clone();
            let notified = self.database.fetch("notify", move |database| {
                database.query(|sql| &sql.notify).bind(channel.clone()).bind(payload.clone())
            });
            if let Err(failure) = notified.await {
                // Whoever was to be told polls.
                tracing::debug!(error = %Error::from(failure), "cannot notify other processes");
            }
            self.pause(MIN_NOTIFY_INTERVAL).await;
        }
    }

    /// Hears of others' commits until the store stops.
    pub(super) async fn listen(&self) {
        let mut pause = RETRY.0;
        while !self.stop.is_cancelled() {
            match self.listener().await {
                Ok(mut listener) => {
                    pause = RETRY.0;
                    // Whatever was said before was said to nobody.
                    self.database.hints.everything_changed();
                    self.hear(&mut listener).await;
                }
                Err(error) => tracing::warn!(%error, "cannot listen for what other processes commit"),
            }
            self.pause(pause).await;
            pause = (pause * 2).min(RETRY.1);
        }
    }

    async fn listener(&self) -> Result<PgListener, Error> {
        const DOING: &str = "listen";

        let failed = |error| Error::from(Failure::database(DOING, error));
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.connect_with(self.database.connect.clone()).await.map_err(failed)?;
        let mut listener = PgListener::connect_with(&pool).await.map_err(failed)?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        listener.listen(&self.channel).await.map_err(failed)?;
        Ok(listener)
    }

    /// Hears until the connection is lost.
    async fn hear(&self, listener: &mut PgListener) {
        loop {
            let heard = tokio::select! {
                heard = listener.try_recv() => heard,
                () = self.stop.cancelled() => return,
            };
            match heard {
                Ok(Some(notification)) => self.heard(notification.payload()),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "no longer listening for what other processes commit");
                    return;
                }
            }
        }
    }

    fn heard(&self, payload: &str) {
        let (sender, priority) = payload.split_once(' ').unwrap_or((payload, ""));
        if sender == self.sender {
            return;
        }
        self.database.hints.all_runs_changed();
        if let Ok(priority) = priority.parse() {
            self.database.hints.work_ready(priority);
        }
    }

    /// Looks whether anything was written, now and then: a notification can be lost, and behind a pooler there are
    /// none. What this store itself writes is seen too, so a look that finds something says little; it costs a hint.
    pub(super) async fn poll(&self) {
        let fastest = if self.database.behind_pooler { POLL.0 } else { POLL.1 };
        let (mut pause, mut seen) = (fastest, None);
        loop {
            self.pause(pause).await;
            if self.stop.is_cancelled() {
                return;
            }
            let rows = self.database.fetch("look for commits", |database| database.query(|sql| &sql.moved));
            let now = match rows.await {
                Ok(rows) => rows.first().and_then(|row| row.try_get::<String, _>(0).ok()),
                Err(failure) => {
                    tracing::debug!(error = %Error::from(failure), "cannot look for commits of other processes");
                    None
                }
            };
            let has_moved = seen.is_some() && now != seen;
            if has_moved {
                self.database.hints.everything_changed();
            }
            pause = if has_moved { fastest } else { (pause * 2).min(POLL.1) };
            seen = now.or(seen);
        }
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
        }
    }
}
