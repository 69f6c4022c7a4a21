//! Bringing a run to its end, step by step, in virtual time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::faults::Faults;
use crate::engine::Engine;
use crate::error::Error;
use crate::kernel::{NoSlots, ReapStaleLeases, TransitionRun};
use crate::ports::Clock;
use crate::records::{Claimant, ClaimedJob};
use crate::testing::FakeClock;
use crate::value::RunId;

/// How long a body may take in real time before the driver takes it to be waiting, and moves the virtual clock on to
/// the next instant that somebody waits for: its timeout, for example.
const IDLE_TIMEOUT: Duration = Duration::from_millis(200);

/// The worker of a test.
pub(super) struct Driver<'a> {
    pub(super) engine: &'a Engine,
    pub(super) clock: &'a FakeClock,
    pub(super) faults: &'a Faults,
}

impl Driver<'_> {
    /// Until the run is over.
    pub(super) async fn drive(&self, run_id: RunId) {
        self.try_drive(run_id).await.unwrap_or_else(|error| panic!("the store failed: {error}"));
    }

    /// The same; an error of the store is its caller's.
    pub(super) async fn try_drive(&self, run_id: RunId) -> Result<(), Error> {
        let kernel = self.engine.kernel();
        let claim = Claimant { worker_id: "test".into(), lease: kernel.lease() };
        self.engine.dispatch(TransitionRun { run_id }).await?;
        loop {
            let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
            if run.status.is_terminal() {
                return Ok(());
            }
            self.engine.dispatch(ReapStaleLeases::default()).await?;
            let jobs = kernel.store().claim_jobs(&claim, &kernel.definitions(), 1).await?;
            match jobs.into_iter().next() {
                Some(job) => self.execute(&job, &claim).await?,
                None => self.pass_time(run_id).await?,
            }
        }
    }

    /// Runs one job. A process that dies leaves its lease behind.
    async fn execute(&self, job: &ClaimedJob, claim: &Claimant) -> Result<(), Error> {
        let death = self.faults.death();
        let never = CancellationToken::new();
        let kernel = self.engine.kernel();
        let mut execution = Box::pin(kernel.execute_claimed(job, claim, &NoSlots, &never));
        loop {
            tokio::select! {
                biased;
                () = death.cancelled() => {
                    self.faults.revive();
                    return Ok(());
                }
                finished = &mut execution => {
                    finished?;
                    return Ok(());
                }
                () = real_time(IDLE_TIMEOUT) => self.let_sleepers_wake(),
            }
        }
    }

    /// The body waits for the clock, or works longer than the patience lasts; then nobody sleeps, and nothing moves.
    fn let_sleepers_wake(&self) {
        if let Some(next) = self.clock.next_wake() {
            self.clock.advance((next - self.clock.now()).to_std().unwrap_or_default());
        }
    }

    /// Goes on to the next instant at which something is due.
    async fn pass_time(&self, run_id: RunId) -> Result<(), Error> {
        let store = self.engine.kernel().store();
        let due = store.next_job_due(&self.engine.kernel().definitions()).await?;
        let end = store.next_lease_end().await?;
        let next = due.into_iter().chain(end).min();
        let Some(next) = next else {
            let obstacle = self.engine.kernel().blocked_reason(run_id).await?;
            let why = obstacle.map_or_else(String::new, |obstacle| format!(": {obstacle}"));
            panic!("run {run_id} stands still: nothing is ready, and nothing is due{why}");
        };
        let wait = (next - self.clock.now()).to_std().unwrap_or_default();
        // An instant that has passed is due; a little more makes sure that the loop does not stand still on it.
        self.clock.advance(wait.max(Duration::from_micros(1)));
        Ok(())
    }
}

#[allow(clippy::disallowed_methods, reason = "the patience with a body that really works is real")]
async fn real_time(duration: Duration) {
    tokio::time::sleep(duration).await;
}
