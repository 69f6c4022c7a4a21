//! The driver that executes a run step by step in virtual time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::faults::Faults;
use crate::engine::Engine;
use crate::error::Error;
use crate::kernel::{HeldJob, NoSlots, ReapStaleLeases, TransitionRun};
use crate::ports::Clock;
use crate::records::{Claimant, ClaimedJob};
use crate::testing::clock::FakeClock;
use crate::value::RunId;

/// The real time after which the driver assumes that a body waits for the clock, and advances the virtual clock to the
/// next instant at which a task wakes: the body's timeout, for example.
const IDLE_TIMEOUT: Duration = Duration::from_millis(200);

/// The worker of a test engine.
pub(super) struct Driver<'a> {
    pub(super) engine: &'a Engine,
    pub(super) clock: &'a FakeClock,
    pub(super) faults: &'a Faults,
    /// The crash that came before, for messages.
    pub(super) crash: String,
}

impl Driver<'_> {
    /// Drives the run until it is terminal.
    pub(super) async fn drive(&self, run_id: RunId) {
        self.try_drive(run_id).await.unwrap_or_else(|error| panic!("the store failed: {error}"));
    }

    /// Drives the run until it is terminal, and returns errors of the store.
    pub(super) async fn try_drive(&self, run_id: RunId) -> Result<(), Error> {
        let kernel = self.engine.kernel();
        let claim = Claimant { worker_id: "test".into(), lease: kernel.lease() };
        self.engine.dispatch(TransitionRun { run_id }).await?;
        loop {
            // First, because a lost lease whose attempt was the last one ends the run.
            self.engine.dispatch(ReapStaleLeases::default()).await?;
            let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
            if run.status.is_terminal() {
                return Ok(());
            }
            let jobs = kernel.store().claim_jobs(&claim, &kernel.definitions(), 1).await?;
            match jobs.into_iter().next() {
                Some(job) => self.execute(job, &claim).await?,
                None => self.pass_time(run_id).await?,
            }
        }
    }

    /// Executes one job. A process that dies leaves its lease behind.
    async fn execute(&self, job: ClaimedJob, claim: &Claimant) -> Result<(), Error> {
        let death = self.faults.death();
        let never = CancellationToken::new();
        let kernel = self.engine.kernel();
        let job = HeldJob::new(kernel, job, kernel.clock().monotonic(), &never).lost_when_dropped();
        let mut execution = Box::pin(job.execute(claim, &NoSlots));
        loop {
            tokio::select! {
                biased;
                () = death.cancelled() => {
                    self.faults.restart();
                    return Ok(());
                }
                finished = &mut execution => {
                    finished?;
                    return Ok(());
                }
                () = real_time(IDLE_TIMEOUT) => self.wake_next_sleeper(),
            }
        }
    }

    /// Advances the clock to the next instant at which a task wakes. A body that works for longer than [`IDLE_TIMEOUT`]
    /// does not sleep, so the clock does not move.
    fn wake_next_sleeper(&self) {
        if let Some(next) = self.clock.next_wake() {
            self.clock.advance((next - self.clock.now()).to_std().unwrap_or_default());
        }
    }

    /// Advances the clock to the next instant at which a job is due or a lease ends.
    async fn pass_time(&self, run_id: RunId) -> Result<(), Error> {
        let store = self.engine.kernel().store();
        let due = store.next_job_due(&self.engine.kernel().definitions()).await?;
        let end = store.next_lease_end().await?;
        let next = due.into_iter().chain(end).min();
        let Some(next) = next else {
            let blocked = self.engine.kernel().blocked_reason(run_id).await?;
            let reason = blocked.map_or_else(String::new, |reason| format!(": {reason}"));
            let crash = &self.crash;
            panic!("{crash}run {run_id} is stuck: no stage is ready, and no job is due{reason}");
        };
        let wait = (next - self.clock.now()).to_std().unwrap_or_default();
        // An instant in the past is due already. The smallest step makes sure that the loop always advances the clock.
        self.clock.advance(wait.max(Duration::from_micros(1)));
        Ok(())
    }
}

#[allow(clippy::disallowed_methods, reason = "a body that really works takes real time")]
async fn real_time(duration: Duration) {
    tokio::time::sleep(duration).await;
}
