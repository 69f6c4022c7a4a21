//! Optimistic claims: of jobs whose runs are in the row cache, and of pending runs.
//!
//! Due work is found without locks, and claimed by decisions like any other. These share statements with other
//! requests, and wait for no transaction of this process. Where other processes claim the same work, decisions that
//! come second are wasted; the next claims then take locks (`contention.rs`, `claim.rs`).

use futures_util::future::join_all;

use super::PostgresStore;
use super::claim::{DueWork, FIND_DUE, find_query};
use super::database::Database;
use crate::error::Error;
use crate::ports::{Change, ClaimRequest, ClaimedWork, Commit, Decision, Persistence};
use crate::stores::candidates::Selection;
use crate::value::RunId;

/// How often a claim finds work again after others have taken all that it had found.
const MAX_ATTEMPTS: u32 = 3;

impl PostgresStore {
    /// Claims due work; returns `None` where the claim has to take locks.
    pub(super) async fn claim_optimistic(&self, work: &ClaimRequest) -> Result<Option<ClaimedWork>, Error> {
        let contention = &self.database.contention;
        if contention.count_claim() {
            return Ok(None);
        }
        // Committers are working on these runs, and their commits may claim the runs' next jobs themselves. The first
        // attempt skips them; the later ones wait for them.
        let mut skipped_runs = self.queue.runs_in_progress();
        for _ in 0..MAX_ATTEMPTS {
            let (request, skipped) = (work.clone(), std::mem::take(&mut skipped_runs));
            let find =
                move |database: &Database| find_query(database, &request, FIND_DUE).bind(skipped.clone());
            let DueWork { selection, commits, total, now } =
                DueWork::read(self.read("find due work", find).await?)?;
            self.database.clock_estimate.reach(now);
            if total == 0 {
                return Ok(Some(ClaimedWork::default()));
            }
            if !selection.jobs.iter().all(|job| self.is_cached(job.run_id)) {
                // The run belongs to another process, or this process has restarted.
                break;
            }
            for (run, commits) in selection.runs.iter().zip(commits) {
                self.database.cache_pending(run, commits);
            }
            let taken = self.take_each(selection, work).await?;
            if !taken.is_empty() {
                return Ok(Some(taken));
            }
        }
        contention.record();
        Ok(None)
    }

    fn is_cached(&self, run_id: RunId) -> bool {
        // In this order: a committer returns a run to the cache before it releases the run.
        self.queue.is_in_progress(run_id) || self.database.row_cache().contains(run_id)
    }

    /// Claims the jobs and starts the runs, each by a separate decision.
    async fn take_each(&self, selection: Selection, work: &ClaimRequest) -> Result<ClaimedWork, Error> {
        let mut taken =
            ClaimedWork { remaining_priority: selection.remaining_priority, ..ClaimedWork::default() };
        let mut slots = work.limit.saturating_sub(selection.jobs.len());
        let mut starts = Vec::new();
        for run in selection.runs {
            match work.starts.decision_for(&run, &work.claim, slots) {
                Some(decision) => {
                    slots -= claim_count(&decision);
                    starts.push(async { (run, self.commit(decision).await) });
                }
                // The kernel checks such a run before it is started: its definition is only declared compatible.
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
                // No other claim of this process starts runs of these definitions at this time: another process did.
                Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => {
                    self.database.contention.record();
                }
                Err(error) if error.is_retryable() => failed = Some(error),
                // The claimant receives the run and finds out why it cannot be started.
                Err(_) => taken.runs.push(run),
            }
        }
        match failed {
            Some(error) if taken.is_empty() => return Err(error),
            // The claimed jobs have leases, so the claimant must receive them.
            Some(error) => tracing::warn!(%error, "some due work could not be claimed"),
            None => {}
        }
        Ok(taken)
    }
}

/// Returns how many jobs a decision claims.
fn claim_count(decision: &Decision) -> usize {
    let is_claim = |change: &&Change| matches!(change, Change::Enqueue { claim: Some(_), .. });
    decision.changes.iter().filter(is_claim).count()
}
