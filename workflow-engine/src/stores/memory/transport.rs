//! The store in memory as the queue of jobs.

use std::cmp::Reverse;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
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
            due.sort_by_key(|job| (Reverse(job.priority), job.run_at, job.run_id));
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

    async fn expired_jobs(&self, limit: usize) -> Result<Vec<JobRecord>, Error> {
        let state = self.open("read expired jobs")?;
        let now = instant::now(&*self.clock);
        let mut expired: Vec<_> = state
            .jobs()
            .map(|(_, job)| job)
            .filter(|job| job.status == Status::Running && job.leased_until.is_some_and(|until| until <= now))
            .collect();
        expired.sort_by_key(|job| (job.leased_until, job.run_id));
        Ok(expired.into_iter().take(limit).cloned().collect())
    }

    async fn next_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        let state = self.open("read the next due instant")?;
        let due = state.jobs().filter_map(|(run, job)| match job.status {
            Status::Running => job.leased_until,
            _ => is_open_to(run, job, definitions).then_some(job.run_at),
        });
        Ok(due.min())
    }
}

/// Whether a worker with these definitions may claim the job once it is due.
fn is_open_to(run: &RunRecord, job: &JobRecord, definitions: &[String]) -> bool {
    job.status == Status::Pending
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
