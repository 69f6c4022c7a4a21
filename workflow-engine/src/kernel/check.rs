//! Stages that wait: the ticket is committed once, and checks run outside transactions, each fenced by a lease of its
//! own, until one of them delivers, fails for good, or the stage is given up.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Kernel;
use super::attempt::{AttemptEnd, AttemptResult};
use super::execute::{Finished, JobOutcome, Slots};
use super::fail::FinalFailure;
use super::idempotent_execute::answer;
use super::outcome::Completion;
use super::registry::Registered;
use crate::context::{Effects, StageError};
use crate::definition::{CheckOutcome, StageDefinition, WaitDefinition};
use crate::error::{Error, ErrorCode};
use crate::ports::Change;
use crate::records::{Claimant, ClaimedJob, StageRecord};

impl Kernel {
    /// Commits the ticket that a body has returned. From here on, the body never runs again.
    pub(super) async fn suspend(
        &self,
        wait: &WaitDefinition,
        job: &ClaimedJob,
        completion: Completion,
    ) -> Result<Finished, Error> {
        let ticket = self.prepare_output(&job.lease, &completion.output).await?;
        let mut changes = completion.reports;
        changes.extend(self.effect_changes(&job.lease, completion.effects).await?);
        changes.extend(ticket.blob);
        changes.push(Change::Suspend {
            stage_id: job.lease.stage_id.clone(),
            ticket: ticket.value,
            check_after: wait.poll_every,
            give_up_after: wait.give_up_after,
        });
        self.commit_suspension(job, changes, wait.poll_every).await
    }

    /// Runs one check of a stage that waits, and commits what it found.
    pub(super) async fn check(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
        claim: &Claimant,
        slots: &dyn Slots,
        stop: &CancellationToken,
    ) -> Result<Finished, Error> {
        let lease = &job.lease;
        let record = self.store().stage(lease.run_id, &lease.stage_id).await?;
        let waiting = record.and_then(|record| Some((record.suspended_state.clone()?, record)));
        let (Some(wait), Some((ticket, record))) = (&stage.wait, waiting) else {
            let error = StageError::permanent("it waits, and its ticket or its check is missing");
            return self.fail_attempt(stage, job, error, Vec::new()).await;
        };
        let ticket = self.resolve(lease.run_id, ticket).await?;
        let AttemptEnd { result, reports, refused, effects, .. } =
            self.run_check(registered, stage, wait, ticket, job, stop).await?;
        match result {
            AttemptResult::Completed(CheckOutcome::Ready(output)) => {
                let elapsed = self.since_start(&record);
                let completion = Completion { output, elapsed, reports, effects };
                self.complete(registered, stage, job, completion, claim, slots).await
            }
            AttemptResult::Completed(CheckOutcome::Pending(after)) => {
                let after = after.unwrap_or(wait.poll_every);
                self.postpone(wait, &record, job, after, reports, effects).await
            }
            AttemptResult::Failed(error) => self.attempt_failed(stage, job, error, refused, reports).await,
            AttemptResult::Stopped => self.hand_back(job, reports).await,
        }
    }

    /// The next check comes after `after`, but no later than the instant at which the stage is given up; and that one
    /// is the last.
    async fn postpone(
        &self,
        wait: &WaitDefinition,
        record: &StageRecord,
        job: &ClaimedJob,
        after: Duration,
        reports: Vec<Change>,
        effects: Effects,
    ) -> Result<Finished, Error> {
        let left = record.max_wait_until.map(|end| (end - self.clock().now()).to_std().unwrap_or_default());
        let left = left.unwrap_or(wait.give_up_after);
        if left.is_zero() {
            if !reports.is_empty() {
                self.commit_outcome(&job.lease, reports).await?;
            }
            let error = format!("it was not ready within {:?}", wait.give_up_after);
            let failure = FinalFailure {
                lease: job.lease.clone(),
                expired: false,
                code: ErrorCode::WaitTimedOut,
                error: error.clone(),
                answer: answer(job, &JobOutcome::Failed { error: error.clone(), retryable: false }),
            };
            let failed = self.commit_with_retry(&job.lease, || self.fail_for_good(failure.clone())).await?;
            return Ok(if failed {
                Finished::with(JobOutcome::Failed { error, retryable: false })
            } else {
                Finished::ghost(&job.lease)
            });
        }
        let check_after = after.min(left);
        let mut changes = reports;
        changes.extend(self.effect_changes(&job.lease, effects).await?);
        changes.push(Change::Postpone { stage_id: job.lease.stage_id.clone(), check_after });
        self.commit_suspension(job, changes, check_after).await
    }

    async fn commit_suspension(
        &self,
        job: &ClaimedJob,
        mut changes: Vec<Change>,
        check_after: Duration,
    ) -> Result<Finished, Error> {
        changes.extend(answer(job, &JobOutcome::Suspended { check_after }));
        Ok(match self.commit_outcome(&job.lease, changes).await? {
            Some(_) => Finished::with(JobOutcome::Suspended { check_after }),
            None => Finished::ghost(&job.lease),
        })
    }

    /// How long the stage has taken, its waiting included.
    fn since_start(&self, record: &StageRecord) -> Duration {
        let now = self.clock().now();
        record.started_at.and_then(|start| (now - start).to_std().ok()).unwrap_or_default()
    }
}
