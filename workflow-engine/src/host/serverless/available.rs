//! What is ready, up to a number.

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::Serverless;
use super::invocation::Invocation;
use crate::error::Error;
use crate::kernel::{JobOutcome, NoSlots};
use crate::records::ClaimedJob;

/// How much [`Serverless::process_available_jobs`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessJobs {
    /// At most this many jobs. Default 10.
    pub max_jobs: usize,
    /// How many of them at the same time, at least 1. Default 10.
    pub concurrency: usize,
}

impl Default for ProcessJobs {
    fn default() -> Self {
        Self { max_jobs: 10, concurrency: 10 }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProcessJobsOutput {
    /// Jobs that were claimed. Those that are neither of the two below were handed back when the time was over, or
    /// lost to somebody else or to the end of their run.
    pub processed: usize,
    /// Stages that completed, or that wait for something outside.
    pub succeeded: usize,
    /// Attempts that failed, whether another follows or not.
    pub failed: usize,
}

impl Serverless {
    /// Runs what is ready: jobs, those that its own commits make ready, and runs that nobody has started; by priority,
    /// among equals the workflows take recently_served, and of each the oldest is first. Ends when nothing is ready, `max_jobs`
    /// were claimed, or the time is over, and when what it has claimed has come to its end.
    ///
    /// It runs on when the caller is dropped, in a task of its own; it ends with the runtime.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was claimed before has then come to its end nevertheless, or
    /// returns to the queue when its lease runs out.
    pub async fn process_available_jobs(&self, jobs: ProcessJobs) -> Result<ProcessJobsOutput, Error> {
        let host = self.clone();
        let invocation = tokio::spawn(async move {
            let done = host.process(jobs).await;
            host.schedule_next().await;
            done
        });
        invocation.await.map_err(Error::invocation_aborted)?
    }

    async fn process(
        &self,
        ProcessJobs { max_jobs, concurrency }: ProcessJobs,
    ) -> Result<ProcessJobsOutput, Error> {
        let invocation = self.begin()?;
        let mut done = ProcessJobsOutput::default();
        let mut running = JoinSet::new();
        let mut failure = None;
        loop {
            let room = concurrency.max(1).saturating_sub(running.len()).min(max_jobs - done.processed);
            if room > 0 && failure.is_none() && !invocation.over.is_cancelled() {
                match self.claim(&invocation, room).await {
                    Ok(jobs) => {
                        done.processed += jobs.len();
                        for job in jobs {
                            running.spawn(self.run(job, &invocation));
                        }
                    }
                    Err(error) => failure = Some(error),
                }
            }
            match running.join_next().await {
                None => break,
                Some(Ok(Ok(outcome))) => done.count(&outcome),
                Some(Ok(Err(error))) => failure = Some(error),
                Some(Err(lost)) => failure = Some(Error::invocation_aborted(lost)),
            }
        }
        failure.map_or(Ok(done), Err)
    }

    async fn claim(&self, invocation: &Invocation, room: usize) -> Result<Vec<ClaimedJob>, Error> {
        let found = self.recently_served.claim(&self.kernel, &invocation.claim, room, true).await?;
        let mut jobs = found.jobs;
        if found.runs.is_empty() {
            return Ok(jobs);
        }
        let left = room - jobs.len();
        let started = self.recently_served.start(&self.kernel, &invocation.claim, found.runs, left).await?;
        jobs.extend(started.jobs);
        if jobs.is_empty() {
            // Others were faster, or none of them can be started: they keep nothing else from its turn.
            jobs = self.recently_served.claim(&self.kernel, &invocation.claim, room, false).await?.jobs;
        }
        Ok(jobs)
    }

    fn run(
        &self,
        job: ClaimedJob,
        invocation: &Invocation,
    ) -> impl Future<Output = Result<JobOutcome, Error>> + Send + use<> {
        let (kernel, claim) = (self.kernel.clone(), invocation.claim.clone());
        let over = invocation.over.clone();
        async move { Ok(kernel.execute_claimed(&job, &claim, &NoSlots, &over).await?.outcome) }
    }
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
