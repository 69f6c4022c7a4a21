//! Claims without locks: of jobs whose runs this process knows, and of runs that nobody has started.
//!
//! What waits is read, and taken by decisions like any other: they share statements with what else is ready, and wait for
//! no transaction of this process. Where others claim as well, decisions that come second would be lost work; then one
//! claims under locks for a while (`claim.rs`).

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;

use super::PostgresStore;
use super::claim_locking::{Found, find_query};
use super::database::Database;
use crate::error::Error;
use crate::ports::{Change, ClaimRequest, ClaimedWork, Commit, Decision, Persistence};
use crate::stores::candidates::Selection;
use crate::value::RunId;

/// How often one looks again where all that was found has been taken meanwhile.
const TRIES: u32 = 3;

/// So many claims are made under locks after one that has met others.
const OPTIMISM_PAUSE: u32 = 64;

/// Whether others claim what this process would claim.
#[derive(Debug, Default)]
pub(super) struct Rivals(AtomicU32);

impl Rivals {
    /// Whether they are to be reckoned with in this claim.
    fn are_about(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |claims| claims.checked_sub(1)).is_ok()
    }

    fn were_met(&self) {
        self.0.store(OPTIMISM_PAUSE, Ordering::Relaxed);
    }
}

impl PostgresStore {
    /// Claims what is due; `None` where that has to be done under locks.
    pub(super) async fn claim_known(&self, work: &ClaimRequest) -> Result<Option<ClaimedWork>, Error> {
        let rivals = &self.database.rivals;
        if rivals.are_about() {
            return Ok(None);
        }
        // Stages of these runs are being committed, and may go on with what waits. Only where there is nothing else
        // does one wait for them.
        let mut busy = self.queue.busy();
        for _ in 0..TRIES {
            let (asked, passed) = (work.clone(), std::mem::take(&mut busy));
            let find = move |database: &Database| {
                find_query(database, &asked, |sql| &sql.find_due).bind(passed.clone())
            };
            let Found { selection, commits, seen } = Found::read(self.read("look for work", find).await?)?;
            if seen == 0 {
                return Ok(Some(ClaimedWork::default()));
            }
            if !selection.jobs.iter().all(|job| self.is_known(job.run_id)) {
                // Of others, or of this process before it was started anew.
                break;
            }
            for (run, commits) in selection.runs.iter().zip(commits) {
                self.database.known.learn_of(run, commits);
            }
            let taken = self.take_each(selection, work).await?;
            if !taken.is_empty() {
                return Ok(Some(taken));
            }
        }
        rivals.were_met();
        Ok(None)
    }

    fn is_known(&self, run_id: RunId) -> bool {
        // In this order: what a committer is busy with is known again before it is free.
        self.queue.is_busy(run_id) || self.database.known.has(run_id)
    }

    /// Claims the jobs and starts the runs, each by a decision of its own.
    async fn take_each(&self, selection: Selection, work: &ClaimRequest) -> Result<ClaimedWork, Error> {
        let mut taken =
            ClaimedWork { remaining_priority: selection.remaining_priority, ..ClaimedWork::default() };
        let mut slots = work.limit.saturating_sub(selection.jobs.len());
        let mut starts = Vec::new();
        for run in selection.runs {
            match work.starts.decision_for(&run, &work.claim, slots) {
                Some(decision) => {
                    slots -= claims(&decision);
                    starts.push(async { (run, self.commit(decision).await) });
                }
                None => taken.runs.push(run),
            }
        }
        let claims = selection.jobs.into_iter().map(|job| self.commit(job.claim_decision(&work.claim)));
        let (claims, starts) = tokio::join!(join_all(claims), join_all(starts));

        let mut failed = None;
        for outcome in claims {
            match outcome {
                Ok(Commit::Applied(applied)) => taken.jobs.extend(applied.claimed),
                Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => {}
                Err(error) => failed = Some(error),
            }
        }
        for (run, outcome) in starts {
            match outcome {
                Ok(Commit::Applied(applied)) => {
                    taken.started.push(run.id);
                    taken.jobs.extend(applied.claimed);
                }
                // Nobody else in this process starts runs of these definitions at this time.
                Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => self.database.rivals.were_met(),
                Err(error) if error.is_retryable() => failed = Some(error),
                // Whoever claims finds out why.
                Err(_) => taken.runs.push(run),
            }
        }
        match failed {
            Some(error) if taken.is_empty() => return Err(error),
            // What is claimed is to be executed.
            Some(error) => tracing::warn!(%error, "some of the work was not claimed"),
            None => {}
        }
        Ok(taken)
    }
}

/// How many jobs a decision claims.
fn claims(decision: &Decision) -> usize {
    let is_claim = |change: &&Change| matches!(change, Change::Enqueue { claim: Some(_), .. });
    decision.changes.iter().filter(is_claim).count()
}
