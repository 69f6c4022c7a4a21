//! The store in memory as the queue of jobs.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::State;
use crate::error::Error;
use crate::ports::JobTransport;
use crate::records::{Claim, ClaimedJob, JobRecord, Lease, RunRecord, Status};
use crate::stores::claiming::{Candidate, take};
use crate::stores::footprint::Footprint;
use crate::stores::instant;

#[async_trait]
impl JobTransport for MemoryStore {
    async fn claim_jobs(
        &self,
        claim: &Claim,
        definitions: &[String],
        max: usize,
    ) -> Result<Vec<ClaimedJob>, Error> {
        self.transact("claim jobs", |state, set, now| {
            let mut due: Vec<_> = state
                .jobs()
                .filter(|(run, job)| is_open_to(run, job, definitions) && job.run_at <= now)
                .map(|(_, job)| job)
                .collect();
            due.sort_by_key(|job| {
                let waits = job.status == Status::Suspended;
                // Of stages that wait, the one that has waited longest for its check is first, whatever its priority.
                let priority = if waits { 0 } else { job.priority };
                (waits, Reverse(priority), job.run_at, job.run_id)
            });
            due.truncate(max);

            let mut footprint = Footprint::default();
            for job in &due {
                footprint.add_stage(job.run_id, job.stage_id.clone());
            }
            state.load(&footprint, set);
            let candidates = due.into_iter().map(candidate).collect();
            Ok(take(set, claim, candidates, now))
        })
    }

    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        let state = self.open("read due checks")?;
        let now = instant::now(&*self.clock);
        let is_due = |run, job: &JobRecord| {
            job.status == Status::Suspended && job.run_at <= now && is_open_to(run, job, definitions)
        };
        let mut due: Vec<_> =
            state.jobs().filter(|(run, job)| is_due(run, job)).map(|(_, job)| job.clone()).collect();
        due.sort_by_key(|job| (job.run_at, job.run_id));
        due.truncate(limit);
        Ok(due)
    }

    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error> {
        let mut state = self.open("renew leases")?;
        let until = instant::after(instant::now(&*self.clock), lease);
        let mut lost = Vec::new();
        for lease in leases {
            let job = state
                .runs
                .get_mut(&lease.run_id)
                .and_then(|run| run.stages.get_mut(&lease.stage_id))
                .and_then(|stage| stage.job.as_mut())
                .filter(|job| is_held(job, &lease));
            match job {
                Some(job) => job.leased_until = Some(until),
                None => lost.push(lease),
            }
        }
        Ok(lost)
    }

    async fn stale_jobs(&self, gone_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        let state = self.open("read stale jobs")?;
        let now = instant::now(&*self.clock);
        let is_stale = |job: &&JobRecord| {
            job.leased_until.is_some_and(|until| until <= now)
                || job.worker_id.as_ref().is_some_and(|worker| gone_workers.contains(worker))
        };
        let mut stale: Vec<_> = leased(&state).filter(is_stale).collect();
        stale.sort_by_key(|job| (job.leased_until, job.run_id));
        Ok(stale.into_iter().take(limit).cloned().collect())
    }

    async fn lease_holders(&self) -> Result<Vec<String>, Error> {
        let state = self.open("read who holds leases")?;
        let holders: BTreeSet<String> = leased(&state).filter_map(|job| job.worker_id.clone()).collect();
        Ok(holders.into_iter().collect())
    }

    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        let state = self.open("read the next due instant")?;
        Ok(state
            .jobs()
            .filter(|(run, job)| is_open_to(run, job, definitions))
            .map(|(_, job)| job.run_at)
            .filter(|due| *due < instant::NEVER)
            .min())
    }

    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let state = self.open("read the next end of a lease")?;
        Ok(leased(&state).filter_map(|job| job.leased_until).min())
    }
}

fn leased(state: &State) -> impl Iterator<Item = &JobRecord> {
    state.jobs().map(|(_, job)| job).filter(|job| job.status == Status::Running)
}

/// Whether a worker with these definitions may claim the job once it is due.
fn is_open_to(run: &RunRecord, job: &JobRecord, definitions: &[String]) -> bool {
    matches!(job.status, Status::Pending | Status::Suspended)
        && job.attempt < job.max_attempts
        && definitions.contains(&job.definition_fingerprint)
        && run.status == Status::Running
        && run.generation == job.generation
}

fn is_held(job: &JobRecord, lease: &Lease) -> bool {
    job.status == Status::Running && job.generation == lease.generation && job.lease_epoch == lease.epoch
}

fn candidate(job: &JobRecord) -> Candidate {
    Candidate { run_id: job.run_id, stage_id: job.stage_id.clone(), generation: job.generation }
}
