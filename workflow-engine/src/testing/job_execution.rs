//! The execution of a single claimed job, for tests of outcomes that arrive late, twice, or from a worker that has lost
//! its lease.

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::{HeldJob, JobOutcome, Kernel, Slots};
use crate::records::{Claimant, ClaimedJob};

/// The result of executing a claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedJob {
    /// The outcome of the attempt.
    pub outcome: JobOutcome,
    /// The jobs that the commit of the outcome claimed for the same worker.
    pub next: Vec<ClaimedJob>,
}

/// Runs the body of a job that `worker_id` has claimed, now or long ago, and commits its outcome. That commit claims up
/// to `free_slots` of the stages that become ready, like a worker with that many free slots.
///
/// # Errors
/// When a read or write of the store fails.
pub async fn execute_job(
    kernel: &Kernel,
    job: &ClaimedJob,
    worker_id: &str,
    free_slots: usize,
) -> Result<ExecutedJob, Error> {
    execute(kernel, job, worker_id, free_slots, &CancellationToken::new()).await
}

/// Returns a claimed job to the queue, like a worker that drains.
///
/// # Errors
/// When a read or write of the store fails.
pub async fn return_job(kernel: &Kernel, job: &ClaimedJob, worker_id: &str) -> Result<ExecutedJob, Error> {
    let stopped = CancellationToken::new();
    stopped.cancel();
    execute(kernel, job, worker_id, 0, &stopped).await
}

async fn execute(
    kernel: &Kernel,
    job: &ClaimedJob,
    worker_id: &str,
    free_slots: usize,
    stop: &CancellationToken,
) -> Result<ExecutedJob, Error> {
    let claim = Claimant { worker_id: worker_id.to_owned(), lease: kernel.lease(), number: None };
    let started = kernel.clock().monotonic();
    let slots = FreeSlots(free_slots);
    let job = HeldJob::new(&kernel.shared(), job.clone(), started, stop).lost_when_dropped();
    let finished = job.execute(&claim, &slots).await?;
    Ok(ExecutedJob { outcome: finished.outcome, next: finished.next })
}

struct FreeSlots(usize);

impl Slots for FreeSlots {
    fn take(&self, wanted: usize, _: i32) -> usize {
        wanted.min(self.0)
    }
}
