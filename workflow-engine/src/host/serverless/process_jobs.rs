//! Runs ready jobs, up to a limit.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::Serverless;
use super::invocation::Invocation;
use crate::error::Error;
use crate::kernel::{HeldJob, JobOutcome, Kernel, NoSlots};
use crate::records::{Claimant, ClaimedJob};
use crate::value::setting::check_range;

/// The limits of [`Serverless::process_available_jobs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessJobs {
    /// The number of jobs to claim at most. Default 10.
    pub max_jobs: usize,
    /// The number of jobs to run at the same time, 1 to 1,000,000. Default 10.
    pub concurrency: usize,
}

impl Default for ProcessJobs {
    fn default() -> Self {
        Self { max_jobs: 10, concurrency: 10 }
    }
}

/// The number of jobs, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcessJobsOutput {
    /// Claimed jobs. Those that neither succeeded nor failed returned to the queue after the time limit, or were
    /// superseded by another claimant or by the end of their run.
    pub processed: usize,
    /// Stages that completed or were suspended.
    pub succeeded: usize,
    /// Attempts that failed, with or without a retry.
    pub failed: usize,
}

impl Serverless {
    /// Runs ready jobs, including those that its own commits make ready, and starts pending runs. The order is by
    /// priority; at equal priority the workflows take turns, and the oldest job of each is first. Claiming ends when
    /// nothing is ready, after `max_jobs` jobs, or after the time limit. The call returns when all claimed jobs have
    /// finished.
    ///
    /// The jobs run in their own task. It continues if the caller drops this future. When the runtime ends,
    /// unfinished jobs return to the queue, and their attempts do not count.
    ///
    /// # Errors
    /// `INVALID_SETTING` for a concurrency that is out of its range; any error of reading or writing the store. Jobs claimed before have then finished, or return to the queue when
    /// their leases expire.
    pub async fn process_available_jobs(&self, jobs: ProcessJobs) -> Result<ProcessJobsOutput, Error> {
        check_range("concurrency", &jobs.concurrency, &(1..=1_000_000))?;
        let host = self.clone();
        let invocation = tokio::spawn(async move {
            let output = host.process(jobs).await;
            host.schedule_next().await;
            output
        });
        invocation.await.map_err(Error::invocation_aborted)?
    }

    async fn process(
        &self,
        ProcessJobs { max_jobs, concurrency }: ProcessJobs,
    ) -> Result<ProcessJobsOutput, Error> {
        let invocation = self.begin()?;
        let mut output = ProcessJobsOutput::default();
        let mut running = JoinSet::new();
        let mut failure = None;
        loop {
            let slots = concurrency.saturating_sub(running.len()).min(max_jobs - output.processed);
            if slots > 0 && failure.is_none() && !invocation.stop.is_cancelled() {
                let claimed = self.kernel.clock().monotonic();
                // A claim that has begun goes to its end, so that no job is claimed and then forgotten.
                let claim = self.clone().claim(invocation.claim.clone(), slots);
                match self.kernel.detach(claim, return_claimed).await {
                    Ok(jobs) => {
                        output.processed += jobs.len();
                        for job in jobs {
                            running.spawn(self.run(job, claimed, &invocation));
                        }
                    }
                    Err(error) => failure = Some(error),
                }
            }
            match running.join_next().await {
                None => break,
                Some(Ok(Ok(outcome))) => output.count(&outcome),
                Some(Ok(Err(error))) => failure = Some(error),
                Some(Err(lost)) => failure = Some(Error::invocation_aborted(lost)),
            }
        }
        failure.map_or(Ok(output), Err)
    }

    async fn claim(self, claimant: Claimant, slots: usize) -> Result<Vec<ClaimedJob>, Error> {
        let found = self.recently_served.claim(&self.kernel, &claimant, slots, true).await?;
        let mut jobs = found.jobs;
        if found.runs.is_empty() {
            return Ok(jobs);
        }
        let free = slots - jobs.len();
        let started = self.recently_served.start(&self.kernel, &claimant, found.runs, free).await?;
        jobs.extend(started.jobs);
        if jobs.is_empty() {
            // Other workers started these runs first, or none of them can be started: they must not delay other work.
            jobs = self.recently_served.claim(&self.kernel, &claimant, slots, false).await?.jobs;
        }
        Ok(jobs)
    }

    fn run(
        &self,
        job: ClaimedJob,
        claimed: Duration,
        invocation: &Invocation,
    ) -> impl Future<Output = Result<JobOutcome, Error>> + Send + use<> {
        let claim = invocation.claim.clone();
        let job = HeldJob::new(&self.kernel, job, claimed, &invocation.stop);
        async move { Ok(job.execute(&claim, &NoSlots).await?.outcome) }
    }
}

fn return_claimed(kernel: &Kernel, claimed: Result<Vec<ClaimedJob>, Error>) {
    kernel.return_jobs(claimed.unwrap_or_default());
}

impl ProcessJobsOutput {
    fn count(&mut self, outcome: &JobOutcome) {
        match outcome {
            JobOutcome::Completed | JobOutcome::Suspended { .. } => self.succeeded += 1,
            JobOutcome::Failed { .. } => self.failed += 1,
            JobOutcome::HandedBack | JobOutcome::Superseded { .. } => {}
        }
    }
}
