//! Notices the commits of other processes to the same file.
//!
//! A commit writes to the `-wal` file, and the operating system reports the write. The report names no process, and it
//! comes before the commit is visible, because the other process still waits for its disk. Two facts make the check
//! exact: `PRAGMA data_version` on the connection that writes changes only with commits of *other* connections, and no
//! commit is in progress while this connection holds the write lock.
//!
//! Reports of our own commits have a cost: each written page causes one. So under load the file is not watched. Each of
//! our transactions checks by itself instead, and watching begins again when there is a pause. It begins before the
//! check that ends the load, so no commit falls between the two.

#![allow(clippy::disallowed_methods, reason = "it watches a file that other processes write, in real time")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::failure::Failure;
use super::session::Session;

/// The delay of the check after a report. Our own commits are reported too, so under load one check serves many of them.
const MAX_LINGER: Duration = Duration::from_millis(1);

/// The pause of the watcher's thread after each report. Every written page is reported, our own included. The operating
/// system merges pending reports of one file, so the pause spares a busy writer most of them.
const MIN_INTERVAL: Duration = Duration::from_millis(5);

/// The shortest and the longest interval between two checks where the operating system reports nothing. The interval
/// doubles after each check that finds no commit.
const POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// The longest pause after a check that failed. The pause begins with the shortest interval and doubles.
const MAX_RETRY: Duration = Duration::from_secs(2);

/// The number of transactions without a pause for a check that counts as load.
const BUSY_COMMITS: u32 = 32;

/// Decides when to check for commits of other processes.
pub(super) struct ExternalCommits {
    path: PathBuf,
    reported: Arc<Reported>,
    watch: Watch,
    pause: Duration,
    /// After a check that failed: when the next one follows.
    retry: Option<Duration>,
    latest_check: Instant,
    /// The number of transactions since the latest check in a pause.
    uninterrupted: u32,
}

/// The way in which the writer learns that a check is due.
enum Watch {
    /// The operating system reports writes. Dropping the watcher ends its thread.
    Notifications(RecommendedWatcher),
    /// Each of our transactions checks, until there is a pause. The watcher is kept, because a new one would need file
    /// descriptors, which may have run out meanwhile.
    Transactions(RecommendedWatcher),
    /// The file cannot be watched: the writer polls it.
    Polling,
}

/// Whether the operating system has reported a write.
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

/// A value of `PRAGMA data_version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DataVersion(i64);

impl ExternalCommits {
    /// Watches the `-wal` file of the database at `path`.
    pub(super) fn watch(path: &Path) -> Self {
        let reported = Arc::new(Reported::default());
        let watch = Watch::begin(path, &reported);
        let (path, latest_check) = (path.to_owned(), Instant::now());
        Self { path, reported, watch, pause: POLL.0, retry: None, latest_check, uninterrupted: 0 }
    }

    /// Waits until a check is due. The future may be dropped and created again; no report is lost.
    pub(super) async fn wait_for_check(&self) {
        if let Some(pause) = self.retry {
            return tokio::time::sleep(pause).await;
        }
        match self.watch {
            Watch::Notifications(_) => {
                while !self.reported.flag.load(Ordering::Acquire) {
                    self.reported.wake.notified().await;
                }
                tokio::time::sleep(MAX_LINGER).await;
            }
            Watch::Transactions(_) => tokio::time::sleep(MIN_INTERVAL).await,
            Watch::Polling => tokio::time::sleep(self.pause).await,
        }
    }

    /// Returns whether a transaction that has begun should check: under load there is no pause for a separate check.
    pub(super) fn is_check_due(&mut self) -> bool {
        self.uninterrupted += 1;
        if self.uninterrupted > BUSY_COMMITS {
            self.watch.suspend(&self.path);
        }
        match self.watch {
            Watch::Notifications(_) if !self.reported.flag.load(Ordering::Acquire) => false,
            Watch::Notifications(_) | Watch::Polling => self.latest_check.elapsed() >= POLL.0,
            Watch::Transactions(_) => true,
        }
    }

    /// Begins a check in a pause, and watches the file again. A commit before that is not reported, so the check treats
    /// it as reported.
    fn begin_pause(&mut self) {
        self.uninterrupted = 0;
        if self.watch.resume(&self.path) {
            self.reported.raise();
        }
    }

    /// Clears the report before a check: a report during the check is about a commit that the check may not see.
    fn take_report(&mut self) -> bool {
        self.latest_check = Instant::now();
        self.reported.flag.swap(false, Ordering::AcqRel)
    }

    /// Repeats a check that failed, later each time. What was reported before it is still to be found.
    pub(super) fn repeat_check(&mut self) {
        self.reported.raise();
        self.retry = Some(self.retry.map_or(POLL.0, |pause| (pause * 2).min(MAX_RETRY)));
    }

    /// Polls sooner after a commit, and later after each check that found none.
    fn adapt(&mut self, has_moved: bool) {
        self.retry = None;
        self.pause = if has_moved { POLL.0 } else { (self.pause * 2).min(POLL.1) };
    }
}

impl DataVersion {
    /// Reads the current value. In a transaction it belongs to the state that the transaction sees.
    pub(super) fn read(session: &Session) -> Result<Self, Failure> {
        session.data_version().map(Self)
    }

    /// Returns whether another connection has committed since the last check.
    pub(super) fn has_moved(
        &mut self,
        session: &Session,
        external: &mut ExternalCommits,
    ) -> Result<bool, Failure> {
        let moved = self.check(session, external);
        if moved.is_err() {
            external.repeat_check();
        }
        moved
    }

    fn check(&mut self, session: &Session, external: &mut ExternalCommits) -> Result<bool, Failure> {
        session.counters.external_checks.fetch_add(1, Ordering::Relaxed);
        external.begin_pause();
        let reported = external.take_report();
        let mut now = Self::read(session)?;
        if now == *self && reported {
            // The reported commit may still be waiting for the disk. Taking the write lock waits for its end.
            session.lock()?;
            let read = Self::read(session);
            session.roll_back();
            now = read?;
        } else if reported {
            // The found commit is notified at once. The report may have been about a later commit that is still waiting for
            // the disk and will not be reported again, so another check follows.
            external.reported.raise();
        }
        Ok(self.move_to(now, external))
    }

    /// As [`DataVersion::has_moved`], within a write transaction that sees the state `now`.
    pub(super) fn has_moved_to(&mut self, now: Self, external: &mut ExternalCommits) -> bool {
        external.take_report();
        self.move_to(now, external)
    }

    fn move_to(&mut self, now: Self, external: &mut ExternalCommits) -> bool {
        let has_moved = now != *self;
        *self = now;
        external.adapt(has_moved);
        has_moved
    }
}

impl Watch {
    fn begin(path: &Path, reported: &Arc<Reported>) -> Self {
        let watched = watcher(Arc::clone(reported)).and_then(|mut watcher| {
            watcher.watch(&wal_of(path), RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        watched.map_or_else(|error| Self::poll(&error), Self::Notifications)
    }

    /// Lets each transaction check instead, where the operating system has reported until now.
    fn suspend(&mut self, path: &Path) {
        *self = match std::mem::replace(self, Self::Polling) {
            Self::Notifications(mut watcher) => match watcher.unwatch(&wal_of(path)) {
                Ok(()) => Self::Transactions(watcher),
                Err(error) => Self::poll(&error),
            },
            other => other,
        };
    }

    /// Has the operating system report again. Returns whether it did not do so until now.
    fn resume(&mut self, path: &Path) -> bool {
        if !matches!(self, Self::Transactions(_)) {
            return false;
        }
        if let Self::Transactions(mut watcher) = std::mem::replace(self, Self::Polling) {
            let watched = watcher.watch(&wal_of(path), RecursiveMode::NonRecursive);
            *self = watched.map_or_else(|error| Self::poll(&error), |()| Self::Notifications(watcher));
        }
        true
    }

    fn poll(error: &notify::Error) -> Self {
        tracing::warn!(%error, "cannot watch the database file; polling it instead");
        Self::Polling
    }
}

fn watcher(reported: Arc<Reported>) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reads are reported as well.
        if !matches!(event, Ok(Event { kind: EventKind::Access(_), .. })) {
            reported.raise();
            std::thread::sleep(MIN_INTERVAL);
        }
    })
}

/// Returns the path of the `-wal` file. SQLite names it after the real path of the database.
fn wal_of(path: &Path) -> PathBuf {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut wal = real.into_os_string();
    wal.push("-wal");
    PathBuf::from(wal)
}

#[cfg(test)]
#[path = "external_commits_tests.rs"]
mod tests;
