//! The work of a simulated process, step by step in virtual time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::log::log_of;
use super::world::{Work, World};
use crate::error::Error;
use crate::kernel::{FlushOutbox, HeldJob, NoSlots, ReapStaleLeases, TransitionRun};
use crate::records::{Claimant, ClaimedJob};
use crate::value::RunId;

/// The name of the worker.
const WORKER: &str = "test";

impl World {
    /// Drives the run until it is terminal.
    pub(super) async fn drive(&mut self, run_id: RunId) -> Result<(), Error> {
        while !self.is_terminal(run_id).await? {
            if !self.step(None).await? {
                self.stuck(run_id).await;
            }
        }
        Ok(())
    }

    /// Fails the test because nothing can move the run.
    pub(super) async fn stuck(&self, run_id: RunId) -> ! {
        let reason = self.kernel().blocked_reason(run_id).await.ok().flatten();
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let log = self.log().await;
        let crash = &self.crash;
        panic!("{crash}run {run_id} is stuck: no stage is ready, and no job is due{reason}\n{log}");
    }

    pub(super) async fn is_terminal(&self, run_id: RunId) -> Result<bool, Error> {
        let run = self.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        Ok(run.status.is_terminal())
    }

    /// Returns what happened so far in all runs.
    pub(super) async fn log(&self) -> String {
        log_of(&**self.store(), &self.runs, self.began).await
    }

    /// Does one part of the work that is due now, or lets the time pass until there is some, up to `limit`. Returns `false`
    /// if there will be none.
    pub(super) async fn step(&mut self, limit: Option<DateTime<Utc>>) -> Result<bool, Error> {
        Ok(self.work().await? || self.pass_time(limit).await?)
    }

    /// Does one part of the work that is due now. Returns `false` if there is none.
    pub(super) async fn work(&mut self) -> Result<bool, Error> {
        if let Some(action) = self.due_action(self.time.now()) {
            action.await;
            return Ok(true);
        }
        // Before a claim, because a lost lease whose attempt was the last one ends the run.
        let reaped = self.engine.dispatch(ReapStaleLeases::default()).await?;
        if reaped.released + reaped.failed > 0 {
            return Ok(true);
        }
        if self.kernel().keep_times().await? > 0 {
            return Ok(true);
        }
        let definitions = self.kernel().definitions();
        if let Some(run) = self.store().pending_runs(&definitions, 1).await?.first() {
            self.runs.push(run.id);
            self.engine.dispatch(TransitionRun { run_id: run.id }).await?;
            return Ok(true);
        }
        let claim = Claimant { worker_id: WORKER.into(), lease: self.kernel().lease(), number: None };
        if let Some(job) = self.store().claim_jobs(&claim, &definitions, 1).await?.into_iter().next() {
            self.begin_job(job, claim);
            self.run_until_idle().await?;
            return Ok(true);
        }
        if !self.is_flushing && self.has_deliveries().await? {
            self.begin_delivery();
            self.run_until_idle().await?;
            return Ok(true);
        }
        self.run_until_idle().await
    }

    fn begin_job(&mut self, job: ClaimedJob, claim: Claimant) {
        let kernel = self.kernel();
        let never = CancellationToken::new();
        let job = HeldJob::new(kernel, job, kernel.clock().monotonic(), &never).lost_when_dropped();
        self.begin(Box::pin(async move {
            job.execute(&claim, &NoSlots).await?;
            Ok(Work::Job)
        }));
    }

    fn begin_delivery(&mut self) {
        let kernel = Arc::clone(self.kernel());
        self.begin_flush();
        self.begin(Box::pin(async move {
            let flush = FlushOutbox { worker_id: WORKER.into(), limit: 100, plugin: None };
            kernel.execute(flush).await?;
            Ok(Work::Delivery)
        }));
    }

    /// Lets the time pass until something is due, at most until `limit`. Returns `false` if nothing will be due.
    async fn pass_time(&mut self, limit: Option<DateTime<Utc>>) -> Result<bool, Error> {
        let action = self.next_action();
        let job = self.store().next_job_due(&self.kernel().definitions()).await?;
        let delivery = if self.is_flushing { None } else { self.next_delivery().await? };
        let timer = self.kernel().next_time().await?;
        let next = [action, job, delivery, timer, limit].into_iter().flatten().min();
        if !self.running().is_empty() {
            let mut until = self.time.horizon(next);
            if let Some(latest) = until {
                self.renew_leases(latest).await?;
                // An earlier end of a lease belongs to a process that has died.
                until = self.store().next_lease_end().await?.filter(|end| *end < latest).or(until);
            }
            let time = self.time.clone();
            self.run_until(time.wait_beside_bodies(until)).await?;
            return Ok(true);
        }
        let next = next.into_iter().chain(self.store().next_lease_end().await?).min();
        let Some(next) = next else { return Ok(false) };
        self.time.pass_until(next).await;
        Ok(true)
    }

    /// Renews the leases of the bodies that run, until after `until`.
    async fn renew_leases(&self, until: DateTime<Utc>) -> Result<(), Error> {
        let leases = self.kernel().running().leases();
        if leases.is_empty() {
            return Ok(());
        }
        let length = (until - self.time.now()).to_std().unwrap_or(Duration::ZERO) + self.kernel().lease();
        self.store().renew_leases(leases, length).await.map(drop)
    }
}
