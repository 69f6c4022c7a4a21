//! Noticing what other processes commit to the same file.
//!
//! A commit writes to the `-wal` file, which the operating system reports. The report says neither who has written
//! nor that the commit is visible yet: it comes before the other process's disk has answered. Two facts make it
//! exact: `PRAGMA data_version` on the connection that writes changes with commits of *other* connections only, and
//! nobody is in the middle of a commit while this connection holds the write lock.
//!
//! StageReporter of our own commits are not free: every page that is written takes part in one. So under load nobody reports:
//! each of our transactions looks by itself then, and the file is watched again as soon as there is a rest.

#![allow(clippy::disallowed_methods, reason = "it watches a file that other processes write, in their time")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::failure::Failure;
use super::session::Session;

/// How long after a report one looks. Own commits are reported too: under load the next look serves many of them.
const MAX_LINGER: Duration = Duration::from_millis(1);

/// How long whoever passes reports on rests after each. Every page that is written is reported, our own, too; those of
/// one file that nobody has fetched yet become one in the operating system, so a busy writer is not interrupted by each.
const MIN_INTERVAL: Duration = Duration::from_millis(5);

/// Between two looks where the operating system reports nothing: from the first, doubled up to the second.
const POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// So many transactions without a quiet moment for a look between them are a load: then the file is not watched.
const BUSY_COMMITS: u32 = 32;

/// Suspicions of foreign commits.
pub(super) struct ForeignCommits {
    path: PathBuf,
    reported: Arc<Reported>,
    watch: Watch,
    pause: Duration,
    latest_look: Instant,
    /// Transactions since the latest look in a quiet moment.
    uninterrupted: u32,
}

enum Watch {
    /// The operating system reports. To drop the watcher ends its thread.
    StageReporter { _watcher: RecommendedWatcher },
    /// Each of our transactions looks, until there are none for a while.
    Transactions,
    /// Files cannot be watched: one polls.
    Polls,
}

#[derive(Default)]
struct Reported {
    flag: AtomicBool,
    wake: Notify,
}

impl Reported {
    fn raise(&self) {
        self.flag.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// A value of `PRAGMA data_version`: that of the last look, for example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DataVersion(i64);

impl ForeignCommits {
    /// Watches the `-wal` file of the database at `path`.
    pub(super) fn watch(path: &Path) -> Self {
        let reported = Arc::new(Reported::default());
        let watch = Watch::begin(path, &reported);
        let (path, latest_look) = (path.to_owned(), Instant::now());
        Self { path, reported, watch, pause: POLL.0, latest_look, uninterrupted: 0 }
    }

    /// Waits until a look is due. It may be dropped and called again: no report is lost.
    pub(super) async fn suspected(&self) {
        match self.watch {
            Watch::StageReporter { .. } => {
                while !self.reported.flag.load(Ordering::Acquire) {
                    self.reported.wake.notified().await;
                }
                tokio::time::sleep(MAX_LINGER).await;
            }
            Watch::Transactions => tokio::time::sleep(MIN_INTERVAL).await,
            Watch::Polls => tokio::time::sleep(self.pause).await,
        }
    }

    /// Whether a transaction that has begun should look on the way: under load there is no quiet moment for it.
    pub(super) fn is_overdue(&mut self) -> bool {
        self.uninterrupted += 1;
        if self.uninterrupted > BUSY_COMMITS && matches!(self.watch, Watch::StageReporter { .. }) {
            self.watch = Watch::Transactions;
        }
        match self.watch {
            Watch::StageReporter { .. } if !self.reported.flag.load(Ordering::Acquire) => false,
            Watch::StageReporter { .. } | Watch::Polls => self.latest_look.elapsed() >= POLL.0,
            Watch::Transactions => true,
        }
    }

    /// A look in a quiet moment begins. What was committed before the file is watched again has to be looked for as if
    /// it had been reported.
    fn rest(&mut self) {
        self.uninterrupted = 0;
        if matches!(self.watch, Watch::Transactions) {
            self.watch = Watch::begin(&self.path, &self.reported);
            self.reported.raise();
        }
    }

    /// Takes back the report before a look: one that comes during it is about something that it may not see.
    fn take_report(&mut self) -> bool {
        self.latest_look = Instant::now();
        self.reported.flag.swap(false, Ordering::AcqRel)
    }

    /// Polls sooner after a commit, later after each look in vain.
    fn adapt(&mut self, has_moved: bool) {
        self.pause = if has_moved { POLL.0 } else { (self.pause * 2).min(POLL.1) };
    }
}

impl DataVersion {
    /// The present value. In a transaction it is that of the state that the transaction sees.
    pub(super) fn read(session: &Session) -> Result<Self, Failure> {
        session.data_version().map(Self)
    }

    /// Whether another connection has committed since the last look.
    pub(super) fn has_moved(
        &mut self,
        session: &Session,
        foreign: &mut ForeignCommits,
    ) -> Result<bool, Failure> {
        session.counters.looks.fetch_add(1, Ordering::Relaxed);
        foreign.rest();
        let reported = foreign.take_report();
        let mut now = Self::read(session)?;
        if now == *self && reported {
            // Perhaps a commit that is still on its way to the disk: the write lock waits for its end.
            session.lock()?;
            let read = Self::read(session);
            session.roll_back();
            now = read?;
        } else if reported {
            // What was found is told at once. Perhaps the report was of another commit, behind it and still on its
            // way: that would never be reported again.
            foreign.reported.raise();
        }
        Ok(self.move_to(now, foreign))
    }

    /// The same, of a write transaction that sees the state `now`.
    pub(super) fn has_moved_to(&mut self, now: Self, foreign: &mut ForeignCommits) -> bool {
        foreign.take_report();
        self.move_to(now, foreign)
    }

    fn move_to(&mut self, now: Self, foreign: &mut ForeignCommits) -> bool {
        let has_moved = now != *self;
        *self = now;
        foreign.adapt(has_moved);
        has_moved
    }
}

impl Watch {
    fn begin(path: &Path, reported: &Arc<Reported>) -> Self {
        match watch(path, Arc::clone(reported)) {
            Ok(watcher) => Self::StageReporter { _watcher: watcher },
            Err(error) => {
                tracing::warn!(%error, "cannot watch the database; polling it instead");
                Self::Polls
            }
        }
    }
}

fn watch(path: &Path, reported: Arc<Reported>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading a file is reported as well.
        if !matches!(event, Ok(Event { kind: EventKind::Access(_), .. })) {
            reported.raise();
            std::thread::sleep(MIN_INTERVAL);
        }
    })?;
    watcher.watch(&wal_of(path), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// SQLite names the file after the database's real path.
fn wal_of(path: &Path) -> PathBuf {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut wal = real.into_os_string();
    wal.push("-wal");
    PathBuf::from(wal)
}

#[cfg(test)]
#[path = "external_commits_tests.rs"]
mod tests;
