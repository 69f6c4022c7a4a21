//! The one writer: a thread that owns the connection that writes.
//!
//! It is a thread with a runtime of its own and not a task of the program's, so that a stage that computes for
//! minutes delays neither commits nor heartbeats. What is ready together is committed together; a batch never waits
//! for company: the next one gathers while this one commits. Transactions run to their end whoever stops waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::batch::{self, Outcome};
use super::external_commits::{DataVersion, ForeignCommits};
use super::failure::Failure;
use super::row_cache::InFlight;
use super::session::Session;
use super::work::Work;
use crate::error::Error;
use crate::failpoints::failpoint;
use crate::ports::{Clock, Hints};
use crate::stores::footprint::has_user_statements;
use crate::stores::instant;

/// The most requests in one transaction: beyond some hundreds a larger one is no faster, and keeps other processes
/// waiting.
const LARGEST_BATCH: usize = 256;

/// The writer's state.
pub(super) struct Writer {
    pub(super) session: Session,
    pub(super) in_flight: InFlight,
    pub(super) requests: mpsc::UnboundedReceiver<Work>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hints: Arc<Hints>,
    pub(super) deliver_events: Arc<AtomicBool>,
    pub(super) foreign: ForeignCommits,
    pub(super) seen: DataVersion,
}

/// Starts the thread. The receiver changes to `true` when the connection is closed.
pub(super) fn start(writer: Writer) -> Result<watch::Receiver<bool>, Error> {
    let failed = |error: std::io::Error| Error::store_unavailable("start the writer of the database", error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let (done, is_done) = watch::channel(false);
    std::thread::Builder::new()
        .name("workflow-engine-writer".into())
        .spawn(move || serve(&runtime, writer, &done))
        .map_err(failed)?;
    Ok(is_done)
}

fn serve(runtime: &Runtime, writer: Writer, done: &watch::Sender<bool>) {
    runtime.block_on(writer.run());
    done.send_replace(true);
}

impl Writer {
    async fn run(mut self) {
        loop {
            let first = tokio::select! {
                biased;
                work = self.requests.recv() => match work {
                    Some(work) => work,
                    None => break,
                },
                () = self.foreign.suspected() => {
                    self.look_for_foreign_commits();
                    continue;
                }
            };
            self.serve(first);
        }
        if let Err((_, error)) = self.session.connection.close() {
            tracing::warn!(%error, "the database was not closed in an orderly way");
        }
    }

    /// Serves one request and those that have come in the meantime.
    fn serve(&mut self, first: Work) {
        let (mut shared, mut alone) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(work) = next {
            if work.runs_alone() { &mut alone } else { &mut shared }.push(work);
            let count = shared.len() + alone.len();
            next = if count < LARGEST_BATCH { self.requests.try_recv().ok() } else { None };
        }
        if !shared.is_empty() {
            self.serve_together(shared);
        }
        for work in alone {
            self.serve_together(vec![work]);
        }
    }

    /// One transaction for all; where it fails by the fault of one of them, one for each.
    fn serve_together(&mut self, mut works: Vec<Work>) {
        let Err(failure) = self.transact(&mut works) else {
            works.into_iter().for_each(Work::answer);
            return;
        };
        // A database that is busy or away is nobody's fault: trying again for each would only wait again for each.
        if failure.is_transient() || works.len() == 1 {
            for work in works {
                work.refuse(failure.clone().into());
            }
            return;
        }
        for work in works {
            let mut work = [work];
            let outcome = self.transact(&mut work);
            let [work] = work;
            match outcome {
                Ok(()) => work.answer(),
                Err(failure) => work.refuse(failure.into()),
            }
        }
    }

    fn transact(&mut self, works: &mut [Work]) -> Result<(), Failure> {
        self.session.counters.requests.fetch_add(works.len() as u64, Ordering::Relaxed);
        failpoint!("sqlite: before BEGIN", Failure::injected("begin a transaction"));
        self.session.begin()?;
        match self.run_and_commit(works) {
            Ok(outcome) => {
                outcome.notifications.send(&self.hints);
                self.in_flight.keep(outcome.runs);
                Ok(())
            }
            Err(failure) => {
                self.session.roll_back();
                Err(failure)
            }
        }
    }

    fn run_and_commit(&mut self, works: &mut [Work]) -> Result<Outcome, Failure> {
        let version = DataVersion::read(&self.session)?;
        self.in_flight.begin(version);
        if self.foreign.is_overdue() && self.seen.has_moved_to(version, &mut self.foreign) {
            // What others have committed is visible already, whatever becomes of this transaction.
            self.hints.everything_changed();
        }
        let now = instant::now(&*self.clock);
        let deliver_events = self.deliver_events.load(Ordering::Relaxed);
        failpoint!("sqlite: after BEGIN", Failure::injected("begin a transaction"));
        let outcome = batch::run(&self.session, &mut self.in_flight, works, now, deliver_events)?;
        failpoint!("sqlite: before COMMIT", Failure::injected("commit"));
        let committed = self.commit(works);
        if committed.is_err() {
            // It may have gone through, leases and all, and nobody will be told what it has brought about.
            self.in_flight.forget();
            self.hints.everything_changed();
        }
        committed.map(|()| outcome)
    }

    fn commit(&mut self, works: &[Work]) -> Result<(), Failure> {
        if matches!(works, [Work::Commit(ask)] if has_user_statements(&ask.input)) {
            self.session.commit_given()?;
        } else {
            self.session.commit()?;
        }
        failpoint!("sqlite: after COMMIT", Failure::injected("commit"));
        Ok(())
    }

    /// Tells everybody if another process has committed something since the last look.
    fn look_for_foreign_commits(&mut self) {
        match self.seen.has_moved(&self.session, &mut self.foreign) {
            Ok(true) => self.hints.everything_changed(),
            Ok(false) => {}
            Err(failure) => tracing::warn!(error = %Error::from(failure), "cannot look for foreign commits"),
        }
    }
}
