//! `job.execute`: runs one stage of one run.
//!
//! Three phases. The claim is a commit of its own, or part of the commit that made the stage ready. The body runs
//! outside any transaction. The outcome, with what becomes ready by it and its events, is one commit, fenced by the
//! lease.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Kernel;
use super::attempt::{AttemptEnd, AttemptResult};
use super::command::Command;
use super::effects::refused_statements;
use super::idempotent_execute::Taken;
use super::outcome::Completion;
use super::registry::Registered;
use crate::definition::StageDefinition;
use crate::error::Error;
use crate::records::{Claimant, ClaimedJob, Lease, Status};
use crate::value::RunId;

/// Claims the job of one stage and runs it to the end of this attempt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecuteJob {
    /// Who executes.
    pub worker_id: String,
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The same key with the same request executes once, and is answered what became of that attempt, a failed one
    /// included; while it runs, `IDEMPOTENCY_IN_PROGRESS`. When the lease of whoever ran it has run out, or it was
    /// handed back, the next request takes it over. `None`, which is usual: a repeated delivery of a job that is done
    /// finds so anyway. See [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// What became of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteJobOutput {
    /// See there.
    #[serde(flatten)]
    pub outcome: JobOutcome,
}

/// What became of one attempt of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum JobOutcome {
    /// Its output is committed, now or by an earlier delivery of this job.
    Completed,
    /// The stage waits for something outside: its ticket is committed, or a check found nothing yet.
    Suspended {
        /// Until the next check.
        #[serde(rename = "check_after_ms", with = "crate::value::milliseconds")]
        check_after: Duration,
    },
    /// It failed; with `retryable` another attempt will follow, without it the run has failed.
    Failed {
        /// Why.
        error: String,
        /// Whether another attempt will follow.
        retryable: bool,
    },
    /// The host stopped; the job is in the queue again, and the attempt does not count.
    HandedBack,
    /// There was nothing to execute, or nobody waits for the result any more: the run has ended, or somebody else
    /// has the job. Nothing was written.
    #[serde(rename = "ghost")]
    Superseded {
        /// What the job met.
        reason: String,
    },
}

#[async_trait]
impl Command for ExecuteJob {
    type Output = ExecuteJobOutput;
    const NAME: &'static str = "job.execute";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`; `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` when this process lacks the
    /// run's workflow or definition; `IDEMPOTENCY_CONFLICT`, `IDEMPOTENCY_IN_PROGRESS`.
    async fn execute(self, kernel: &Kernel) -> Result<ExecuteJobOutput, Error> {
        kernel.execute_job(self, &CancellationToken::new()).await
    }
}

impl Kernel {
    /// `job.execute`. Cancelling `stop` hands the job back.
    pub(crate) async fn execute_job(
        &self,
        command: ExecuteJob,
        stop: &CancellationToken,
    ) -> Result<ExecuteJobOutput, Error> {
        let ExecuteJob { run_id, ref stage_id, .. } = command;
        let key = command.entry()?;
        if let Some(answer) = self.answered_before(&command, key.as_ref()).await? {
            return Ok(answer);
        }
        let snapshot = self.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let Some(stage) = snapshot.stages.iter().find(|stage| stage.stage_id == *stage_id) else {
            return Err(Error::stage_not_found(run_id, stage_id));
        };
        if stage.status == Status::Completed {
            return Ok(ExecuteJobOutput { outcome: JobOutcome::Completed });
        }
        self.definition_of(&snapshot.run).await?;
        let claim = Claimant { worker_id: command.worker_id.clone(), lease: self.lease() };
        let claimed = match self.take(&command, &snapshot, &claim, key).await? {
            Taken::Job(job) => job,
            Taken::Answered(answer) => return Ok(answer),
            Taken::Nothing => {
                let reason = format!(
                    "run {run_id} is {}, and its stage `{stage_id}` {} without a job that is due",
                    snapshot.run.status, stage.status
                );
                return Ok(ExecuteJobOutput { outcome: JobOutcome::Superseded { reason } });
            }
        };
        let finished = self.execute_claimed(&claimed, &claim, &NoSlots, stop).await?;
        Ok(ExecuteJobOutput { outcome: finished.outcome })
    }
}

/// A host's room for the successors of a stage that completes.
pub(crate) trait Slots: Send + Sync {
    /// Takes room for up to `wanted` jobs of a run of this priority, that of the completing job included; answers how
    /// much. Its body has ended: what is not wanted of its own room is free at once.
    fn take(&self, wanted: usize, priority: i32) -> usize;
}

pub(crate) struct NoSlots;

impl Slots for NoSlots {
    fn take(&self, _: usize, _: i32) -> usize {
        0
    }
}

/// The end of an executed job, with the jobs that its own commit claimed.
pub(crate) struct Finished {
    pub(crate) outcome: JobOutcome,
    pub(crate) next: Vec<ClaimedJob>,
}

impl Finished {
    pub(super) fn with(outcome: JobOutcome) -> Self {
        Self { outcome, next: Vec::new() }
    }

    pub(super) fn ghost(lease: &Lease) -> Self {
        tracing::warn!(run = %lease.run_id, stage = lease.stage_id, "an outcome came too late: the lease is lost, and nothing was written");
        Self::with(JobOutcome::Superseded {
            reason: Error::lease_lost(lease.run_id, &lease.stage_id).to_string(),
        })
    }
}

impl Kernel {
    /// Runs the body of a job that is claimed, and commits the outcome. Cancelling `stop` hands the job back.
    pub(crate) async fn execute_claimed(
        &self,
        job: &ClaimedJob,
        claim: &Claimant,
        slots: &dyn Slots,
        stop: &CancellationToken,
    ) -> Result<Finished, Error> {
        let Lease { run_id, stage_id, .. } = &job.lease;
        let found = self.definition_for(*run_id, &job.workflow_id, &job.definition_fingerprint).await;
        let found = found.and_then(|registered| {
            let stage =
                registered.stage(stage_id).ok_or_else(|| Error::stage_not_found(*run_id, stage_id))?;
            Ok((registered, stage.1))
        });
        let (registered, stage) = match found {
            Ok(found) => found,
            Err(error) if error.is_retryable() => return Err(error),
            // It is for a process that has its definition.
            Err(error) => {
                self.hand_back(job, Vec::new()).await?;
                return Err(error);
            }
        };
        let token = stop.child_token();
        let _listed = self.running().enter(job.lease.clone(), token.clone());
        let finished = if job.is_poll {
            self.check(registered, stage, job, claim, slots, &token).await
        } else {
            self.run_and_commit(registered, stage, job, claim, slots, &token).await
        };
        match finished.as_ref().err().and_then(refused_statements) {
            Some((code, error)) => self.fail_attempt_as(code, stage, job, error, Vec::new()).await,
            None => finished,
        }
    }

    async fn run_and_commit(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
        claim: &Claimant,
        slots: &dyn Slots,
        stop: &CancellationToken,
    ) -> Result<Finished, Error> {
        let AttemptEnd { result, elapsed, reports, refused, effects } =
            self.run_body(registered, stage, job, stop).await?;
        match result {
            AttemptResult::Completed(value) => {
                let completion = Completion { output: value, elapsed, reports, effects };
                match &stage.wait {
                    Some(wait) => self.suspend(wait, job, completion).await,
                    None => self.complete(registered, stage, job, completion, claim, slots).await,
                }
            }
            AttemptResult::Failed(error) => self.attempt_failed(stage, job, error, refused, reports).await,
            AttemptResult::Stopped => self.hand_back(job, reports).await,
        }
    }
}
