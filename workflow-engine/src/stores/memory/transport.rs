//! The store in memory as a queue of jobs.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::State;
use crate::error::Error;
use crate::ports::{ClaimRequest, ClaimedWork, JobTransport};
use crate::records::{Claimant, JobRecord, Lease, RunRecord, Status};
use crate::stores::candidates::{Candidate, Selection};
use crate::stores::fair_order::{FairOrder, QueueEntry};
use crate::stores::footprint::Footprint;
use crate::stores::instant;

#[async_trait]
impl JobTransport for MemoryStore {
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error> {
        self.transact("claim jobs", |state, set, now| {
            let order = FairOrder::new(&work.definitions, &work.recently_served);
            let jobs = state
                .jobs()
                .filter(|(run, job)| is_open_to(run, job, &work.definitions) && job.run_at <= now)
                .filter_map(|(_, job)| job_entry(&order, job));
            let runs = state.pending_runs().filter(|run| work.runs && run.times.due_at.is_none());
            let mut entries: Vec<_> = jobs.collect();
            entries.extend(runs.filter_map(|run| QueueEntry::run(&order, run, Found::Run)));
            // One more than the limit, for the priority of the remaining work.
            let mut entries = order.sort(entries, work.limit.saturating_add(1));
            let remaining_priority = entries.get(work.limit).map(|entry| entry.priority);
            entries.truncate(work.limit);

            let mut selection = Selection { remaining_priority, ..Selection::default() };
            for entry in entries {
                match entry.item {
                    Found::Run(run) => selection.runs.push(run.clone()),
                    Found::Job(job) => selection.jobs.push(job),
                }
            }
            let mut footprint = Footprint::default();
            selection.extend_footprint(&work, &mut footprint);
            state.load(&footprint, set);
            Ok(selection.claim(&work, set, now))
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
                .and_then(|run| run.stages.get_mut(&lease.stage_key))
                .and_then(|stage| stage.job.as_mut())
                .filter(|job| is_held(job, &lease));
            match job {
                Some(job) => job.leased_until = Some(until),
                None => lost.push(lease),
            }
        }
        Ok(lost)
    }

    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error> {
        let state = self.open("read which leases are held")?;
        let is_lost = |lease: &Lease| {
            let stage = state.runs.get(&lease.run_id).and_then(|run| run.stages.get(&lease.stage_key));
            !stage.and_then(|stage| stage.job.as_ref()).is_some_and(|job| is_held(job, lease))
        };
        Ok(leases.into_iter().filter(is_lost).collect())
    }

    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        let state = self.open("read stale jobs")?;
        let now = instant::now(&*self.clock);
        let is_stale = |job: &&JobRecord| {
            job.leased_until.is_some_and(|until| until <= now)
                || job.worker_id.as_ref().is_some_and(|worker| dead_workers.contains(worker))
        };
        let mut stale: Vec<_> = leased(&state).filter(is_stale).collect();
        stale.sort_by_key(|job| (job.leased_until, job.run_id));
        Ok(stale.into_iter().take(limit).cloned().collect())
    }

    async fn lease_holders(&self) -> Result<Vec<String>, Error> {
        let state = self.open("read who holds leases")?;
        let flushers = state.deliveries.values().filter_map(|row| row.worker_id.clone());
        let holders: BTreeSet<String> =
            leased(&state).filter_map(|job| job.worker_id.clone()).chain(flushers).collect();
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

    async fn correct_instants(&self) -> Result<usize, Error> {
        // Every access to the state corrects them.
        self.open("correct instants").map(|_| 0)
    }
}

fn leased(state: &State) -> impl Iterator<Item = &JobRecord> {
    state.jobs().map(|(_, job)| job).filter(|job| job.status == Status::Running)
}

/// Returns whether a worker with these definitions may claim the job once it is due.
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

/// Returns the job's entry in the queue. All checks have one priority, so they stay in the order in which they are due.
fn job_entry<'a>(order: &FairOrder<'_>, job: &JobRecord) -> Option<QueueEntry<Found<'a>>> {
    let stage_key = job.key();
    Some(QueueEntry {
        position: order.position(&job.definition_fingerprint)?,
        priority: if job.status == Status::Suspended { Claimant::DEFAULT_PRIORITY } else { job.priority },
        is_run: false,
        since: job.run_at,
        run_id: job.run_id,
        stage_key: stage_key.clone(),
        item: Found::Job(Candidate { run_id: job.run_id, stage_key, generation: job.generation }),
    })
}

/// The item of a queue entry.
enum Found<'a> {
    Job(Candidate),
    Run(&'a RunRecord),
}
