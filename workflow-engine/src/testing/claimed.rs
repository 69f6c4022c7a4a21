//! Running a claimed job by hand: for tests of what becomes of an outcome that comes late, twice, or from a worker that
//! nobody waits for any more.

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::{JobOutcome, Kernel, Slots};
use crate::records::{Claimant, ClaimedJob};

/// What became of a job that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Of the attempt.
    pub outcome: JobOutcome,
    /// The jobs that its commit claimed for the same worker.
    pub next: Vec<ClaimedJob>,
}

/// Runs the body of a job that `worker_id` has claimed, now or long ago, and commits its outcome. Up to `room` of the
/// stages that become ready are claimed in that commit, as a worker with so much room would.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn deliver(
    kernel: &Kernel,
    job: &ClaimedJob,
    worker_id: &str,
    room: usize,
) -> Result<Delivery, Error> {
    execute(kernel, job, worker_id, room, &CancellationToken::new()).await
}

/// Gives a claimed job back, as a worker that drains does.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn hand_back(kernel: &Kernel, job: &ClaimedJob, worker_id: &str) -> Result<Delivery, Error> {
    let stopped = CancellationToken::new();
    stopped.cancel();
    execute(kernel, job, worker_id, 0, &stopped).await
}

async fn execute(
    kernel: &Kernel,
    job: &ClaimedJob,
    worker_id: &str,
    room: usize,
    stop: &CancellationToken,
) -> Result<Delivery, Error> {
    let claim = Claimant { worker_id: worker_id.to_owned(), lease: kernel.lease() };
    let finished = kernel.execute_claimed(job, &claim, &Room(room), stop).await?;
    Ok(Delivery { outcome: finished.outcome, next: finished.next })
}

struct Room(usize);

impl Slots for Room {
    fn take(&self, wanted: usize, _: i32) -> usize {
        wanted.min(self.0)
    }
}
