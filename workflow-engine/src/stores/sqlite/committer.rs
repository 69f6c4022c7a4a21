//! The committer: a thread that owns the only connection that writes.
//!
//! It is a thread with its own runtime and not a task of the program, so that a stage that computes for minutes delays
//! neither commits nor heartbeats. Requests that are ready together share a transaction. A batch never waits for more
//! requests: they gather while the previous batch commits. A transaction runs to its end even when its callers stop
//! waiting.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::batch::Batch;
use super::external_commits::{DataVersion, ExternalCommits};
use super::failure::Failure;
use super::file_identity::FileIdentity;
use crate::error::Error;
use crate::failpoints::failpoint;
use crate::ports::{Clock, Hints};
use crate::stores::commit::{self, Work};
use crate::stores::footprint::has_user_statements;
use crate::stores::instant;

/// The most requests in one transaction. Beyond some hundreds a larger one is no faster, and it makes other processes
/// wait.
const MAX_BATCH: usize = 256;

/// The state of the thread.
pub(super) struct Committer {
    pub(super) batch: Batch,
    /// The state of the file to which the cached rows belong.
    pub(super) cached: DataVersion,
    pub(super) requests: mpsc::UnboundedReceiver<Work<Batch>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hints: Arc<Hints>,
    pub(super) external_commits: ExternalCommits,
    /// The newest state of the file that this writer has notified about.
    pub(super) seen: DataVersion,
    pub(super) path: PathBuf,
    pub(super) busy_timeout: Duration,
    /// Whether the latest transaction has found the file locked by another process for the whole busy timeout.
    pub(super) is_locked: bool,
    pub(super) files: Arc<FileIdentity>,
    /// Whether the latest check found another file in the place of one of them.
    pub(super) is_file_changed: Arc<AtomicBool>,
}

/// Starts the thread. The returned receiver changes to `true` when the connection is closed.
pub(super) fn start(committer: Committer) -> Result<watch::Receiver<bool>, Error> {
    let failed = |error: std::io::Error| Error::store_unavailable("start the writer of the database", error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let (done, is_done) = watch::channel(false);
    std::thread::Builder::new()
        .name("workflow-engine-writer".into())
        .spawn(move || serve(&runtime, committer, &done))
        .map_err(failed)?;
    Ok(is_done)
}

fn serve(runtime: &Runtime, committer: Committer, done: &watch::Sender<bool>) {
    runtime.block_on(committer.run());
    done.send_replace(true);
}

impl Committer {
    async fn run(mut self) {
        loop {
            let first = tokio::select! {
                biased;
                work = self.requests.recv() => match work {
                    Some(work) => work,
                    None => break,
                },
                () = self.external_commits.wait_for_check() => {
                    self.check_external_commits();
                    continue;
                }
            };
            self.serve(first).await;
        }
        if let Err((_, error)) = self.batch.session.connection.close() {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }

    /// Serves one request and those that are queued behind it.
    async fn serve(&mut self, first: Work<Batch>) {
        // While another process keeps the file locked, all that is queued waits for the lock together. So no request waits
        // for longer than twice the busy timeout, however many there are.
        let most = if self.is_locked { usize::MAX } else { MAX_BATCH };
        let (mut shared, mut alone) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(work) = next {
            if work.runs_alone() { &mut alone } else { &mut shared }.push(work);
            let count = shared.len() + alone.len();
            next = if count < most { self.requests.try_recv().ok() } else { None };
        }
        let mut failed = if self.is_locked { self.wait_for_lock().err() } else { None };
        let (mut shared, mut alone) = (shared.into_iter(), alone.into_iter());
        loop {
            let mut batch: Vec<_> = shared.by_ref().take(MAX_BATCH).collect();
            if batch.is_empty() {
                batch.extend(alone.next());
            }
            if batch.is_empty() {
                return;
            }
            match &failed {
                Some(failure) => batch.into_iter().for_each(|work| work.fail(failure.clone().into())),
                None => failed = commit::serve(self, batch).await.err().filter(Failure::is_busy),
            }
        }
    }

    /// Waits until no other process holds the write lock, for at most the busy timeout.
    fn wait_for_lock(&mut self) -> Result<(), Failure> {
        self.batch.session.lock().map_err(|failure| failure.after_wait(&self.path, self.busy_timeout))?;
        self.batch.session.roll_back();
        self.is_locked = false;
        Ok(())
    }

    async fn run_and_commit(&mut self, works: &mut [Work<Batch>]) -> Result<(), Failure> {
        let version = DataVersion::read(&self.batch.session)?;
        if self.cached != version {
            self.batch.row_cache.clear();
            self.cached = version;
        }
        if self.external_commits.is_check_due() && self.seen.has_moved_to(version, &mut self.external_commits)
        {
            // The other process's commit is visible already, even if this transaction fails.
            self.hints.everything_changed();
        }
        self.batch.begin(instant::now(&*self.clock));
        failpoint!("sqlite: after BEGIN", Failure::injected("begin a transaction"));
        commit::run(&mut self.batch, works).await?;
        failpoint!("sqlite: before COMMIT", Failure::injected("commit"));
        let committed = self.commit(works);
        if committed.is_err() {
            // It may have gone through: the file may hold leases that no worker receives, and rows other than the cached
            // ones.
            self.batch.row_cache.clear();
            self.hints.everything_changed();
        }
        committed
    }

    fn commit(&mut self, works: &[Work<Batch>]) -> Result<(), Failure> {
        match works {
            [Work::Commit(request)] if has_user_statements(request.input()) => {
                self.batch.session.commit_user_statements(request.input())?;
            }
            _ => self.batch.session.commit()?,
        }
        failpoint!("sqlite: after COMMIT", Failure::injected("commit"));
        // The commit is in the file that this process has open. It is acknowledged only if others will find it there.
        self.check_files()
    }

    fn check_files(&self) -> Result<(), Failure> {
        let checked = self.files.check();
        let was_changed = self.is_file_changed.swap(checked.is_err(), Ordering::Relaxed);
        match &checked {
            Err(failure) if !was_changed => {
                tracing::error!(error = %Error::from(failure.clone()), "the database is not in its place; no commit is acknowledged");
            }
            Ok(()) if was_changed => {
                tracing::warn!(path = %self.path.display(), "the database is in its place again");
            }
            _ => {}
        }
        checked
    }

    /// Sends a hint if another process has committed since the last check.
    fn check_external_commits(&mut self) {
        let moved = match self.check_files() {
            Ok(()) => self.seen.has_moved(&self.batch.session, &mut self.external_commits),
            // A file that is removed or moved is reported, too.
            Err(failure) => {
                self.external_commits.repeat_check();
                Err(failure)
            }
        };
        self.is_locked |= moved.as_ref().is_err_and(Failure::is_busy);
        let moved = moved.map_err(Error::from);
        self.hints.outages().record("check for commits of other processes", &moved);
        if let Ok(true) = moved {
            self.hints.everything_changed();
        }
    }
}

impl commit::Committer for Committer {
    type Backend = Batch;

    /// The write lock excludes all other transactions.
    const UNLOCKED_ATTEMPTS: u32 = 0;

    async fn transact(&mut self, works: &mut [Work<Batch>], _: u32) -> Result<(), Failure> {
        self.batch.session.counters.requests.fetch_add(works.len() as u64, Ordering::Relaxed);
        failpoint!("sqlite: before BEGIN", Failure::injected("begin a transaction"));
        if self.is_file_changed.load(Ordering::Relaxed) {
            // The file may be in its place again.
            self.check_files()?;
        }
        let begun = self.batch.session.begin();
        let begun = begun.map_err(|failure| failure.after_wait(&self.path, self.busy_timeout));
        let outcome = match begun {
            Ok(()) => self.run_and_commit(works).await.inspect_err(|_| self.batch.session.roll_back()),
            Err(failure) => Err(failure),
        };
        self.is_locked = outcome.as_ref().is_err_and(Failure::is_busy);
        outcome?;
        let mut set = std::mem::take(&mut self.batch.set);
        set.keep_ended_runs(&self.hints);
        set.notifications.send(&self.hints);
        self.batch.row_cache.insert(set.runs, |_| 0);
        Ok(())
    }

    fn finish(&mut self, _: &[Work<Batch>], _: &[Work<Batch>]) {}
}
