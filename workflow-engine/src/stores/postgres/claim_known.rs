//! Claims of jobs whose runs this process knows.
//!
//! What is due is read without a lock, and claimed by decisions like any other: they share statements with what else is
//! ready, and wait for no transaction of this process. Where others claim as well, decisions that come second would be
//! lost work; then one claims under locks for a while (`claim.rs`).

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;

use super::PostgresStore;
use super::claim::{Found, find_query};
use super::database::Database;
use crate::error::Error;
use crate::id::RunId;
use crate::ports::{ClaimedWork, Commit, Persistence, WorkClaim};
use crate::records::ClaimedJob;
use crate::stores::claiming::Candidate;

/// How often one looks again where all that was found has been taken meanwhile.
const TRIES: u32 = 3;

/// So many claims are made under locks after one that has met others.
const WARY: u32 = 64;

/// Whether others claim what this process would claim.
#[derive(Debug, Default)]
pub(super) struct Rivals(AtomicU32);

impl Rivals {
    /// Whether they are to be reckoned with in this claim.
    fn are_about(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |claims| claims.checked_sub(1)).is_ok()
    }

    fn were_met(&self) {
        self.0.store(WARY, Ordering::Relaxed);
    }
}

impl PostgresStore {
    /// Claims what is due; `None` where that has to be done under locks.
    pub(super) async fn claim_known(&self, work: &WorkClaim) -> Result<Option<ClaimedWork>, Error> {
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
            let Found { candidates, seen, runs, left } =
                Found::read(self.read("look for work", find).await?)?;
            if candidates.is_empty() && (seen == 0 || !runs.is_empty()) {
                return Ok(Some(ClaimedWork { jobs: Vec::new(), runs, left }));
            }
            if !candidates.iter().all(|candidate| self.is_known(candidate.run_id)) {
                break;
            }
            let jobs = self.claim_each(candidates, work).await?;
            if !jobs.is_empty() {
                return Ok(Some(ClaimedWork { jobs, runs, left }));
            }
        }
        rivals.were_met();
        Ok(None)
    }

    fn is_known(&self, run_id: RunId) -> bool {
        // In this order: what a committer is busy with is known again before it is free.
        self.queue.is_busy(run_id) || self.database.known.has(run_id)
    }

    async fn claim_each(&self, jobs: Vec<Candidate>, work: &WorkClaim) -> Result<Vec<ClaimedJob>, Error> {
        let claims = jobs.into_iter().map(|job| self.commit(job.claimed_by(&work.claim)));
        let (mut claimed, mut failed) = (Vec::new(), None);
        for outcome in join_all(claims).await {
            match outcome {
                Ok(Commit::Applied(applied)) => claimed.extend(applied.claimed),
                Ok(Commit::Missed | Commit::Repeated { .. }) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if claimed.is_empty() => return Err(error),
            // What is claimed is to be executed.
            Some(error) => tracing::warn!(%error, "some due jobs were not claimed"),
            None => {}
        }
        Ok(claimed)
    }
}
