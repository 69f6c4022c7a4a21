//! A claimed job in the hands of a host.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Kernel;
use super::attempt::{self, Finished, WORKER_STOPS, return_lease};
use super::running_jobs::RunningJob;
use super::slots::Slots;
use crate::error::Error;
use crate::records::{Claimant, ClaimedJob, Lease};
use crate::telemetry::AttemptOutcome;

/// Why a dropped job returns to the queue.
const DROPPED: &str = "its caller stopped waiting, or its runtime shut down";

/// A claimed job that its host must execute. From the moment of the claim its lease is renewed, and its body is stopped
/// when the run ends. Dropping it without an outcome returns the job to the queue, and the attempt does not count: the
/// caller has stopped waiting, or the runtime has shut down.
pub(crate) struct HeldJob {
    kernel: Arc<Kernel>,
    job: ClaimedJob,
    listed: Arc<RunningJob>,
    stop: CancellationToken,
    is_finished: bool,
}

impl HeldJob {
    /// Takes over a job whose claim was sent at `claimed`, in time of [`Clock::monotonic`](crate::ports::Clock::monotonic).
    /// Cancelling `stop` returns it to the queue.
    pub(crate) fn new(
        kernel: &Arc<Kernel>,
        job: ClaimedJob,
        claimed: Duration,
        stop: &CancellationToken,
    ) -> Self {
        let stop = stop.child_token();
        let listed = kernel.running().insert(job.lease.clone(), stop.clone(), claimed, kernel.lease());
        Self { kernel: Arc::clone(kernel), job, listed, stop, is_finished: false }
    }

    /// Makes dropping it the death of its process: the lease stays behind.
    #[cfg(feature = "testing")]
    pub(crate) fn lost_when_dropped(mut self) -> Self {
        self.is_finished = true;
        self
    }

    /// Returns the lease.
    pub(crate) const fn lease(&self) -> &Lease {
        &self.job.lease
    }

    /// Returns a job whose body has not started to the queue; the attempt does not count.
    pub(crate) async fn return_to_queue(mut self, reason: &str) {
        let (kernel, lease) = (&self.kernel, &self.job.lease);
        let outcome = loop {
            let is_stopping = self.stop.is_cancelled();
            match return_lease(kernel, lease, if is_stopping { WORKER_STOPS } else { reason }).await {
                Ok(true) => break AttemptOutcome::Returned,
                Ok(false) => break AttemptOutcome::Superseded,
                // Without the store nothing else can be done with it. Its lease is renewed as soon as the store responds.
                Err(error) if error.is_retryable() && !is_stopping => {}
                Err(_) => return,
            }
        };
        if let Some(registered) = kernel.registry().by_fingerprint(&self.job.definition_fingerprint)
            && let Some((index, _)) = registered.stage(&lease.stage_key.id)
        {
            registered.meters().stage(index).ended(self.job.is_poll, outcome);
        }
        self.is_finished = true;
    }

    /// Runs the body, and commits the outcome.
    pub(crate) async fn execute(mut self, claimant: &Claimant, slots: &dyn Slots) -> Result<Finished, Error> {
        let finished =
            attempt::execute(&self.kernel, &self.job, &self.listed, claimant, slots, &self.stop).await;
        self.is_finished = true;
        finished
    }
}

impl Drop for HeldJob {
    fn drop(&mut self) {
        if self.is_finished {
            self.kernel.running().remove(&self.job.lease);
        } else {
            self.kernel.return_listed(self.job.lease.clone());
        }
    }
}

impl Kernel {
    /// Returns jobs to the queue that were claimed for a caller that has stopped waiting.
    pub(crate) fn return_jobs(&self, jobs: Vec<ClaimedJob>) {
        for job in jobs {
            self.return_listed(job.lease);
        }
    }

    /// Returns a job to the queue in the background. It stays listed until then, so that its lease is renewed.
    pub(crate) fn return_listed(&self, lease: Lease) {
        let kernel = self.shared();
        self.spawn(async move {
            if let Err(error) = return_lease(&kernel, &lease, DROPPED).await {
                tracing::error!(run = %lease.run_id, stage = %lease.stage_key, %error, "a job was not returned to the queue and runs again after its lease expires");
            }
            kernel.running().remove(&lease);
        });
    }
}
