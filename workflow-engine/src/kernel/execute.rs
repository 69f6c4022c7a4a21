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
use super::execute_once::{Taken, answer};
use super::fail::FinalFailure;
use super::registry::Registered;
use crate::error::Error;
use crate::id::RunId;
use crate::language::{Effects, Json, StageDefinition, StageError};
use crate::ports::{Applied, Change, Commit, Decision, Guard};
use crate::records::{Claim, ClaimedJob, Lease, Status};

/// Claims the job of one stage and runs it to the end of this attempt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobExecute {
    /// Who executes.
    pub worker_id: String,
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The same key with the same request executes once, and is answered what became of that attempt, a failed one
    /// included; while it runs, `IDEMPOTENCY_IN_PROGRESS`. When the lease of whoever ran it has run out, or it was
    /// handed back, the next request takes it over. `None`, which is usual: a repeated delivery of a job that is done
    /// finds so anyway. See [`RunCreate`](super::RunCreate).
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// What became of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobExecuted {
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
        #[serde(rename = "check_after_ms", with = "super::milliseconds")]
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
    Ghost {
        /// What the job met.
        reason: String,
    },
}

#[async_trait]
impl Command for JobExecute {
    type Answer = JobExecuted;
    const NAME: &'static str = "job.execute";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`; `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` when this process lacks the
    /// run's workflow or definition; `IDEMPOTENCY_CONFLICT`, `IDEMPOTENCY_IN_PROGRESS`.
    async fn carry_out(self, kernel: &Kernel) -> Result<JobExecuted, Error> {
        kernel.execute_job(self, &CancellationToken::new()).await
    }
}

impl Kernel {
    /// `job.execute`. Cancelling `stop` hands the job back.
    pub(crate) async fn execute_job(
        &self,
        command: JobExecute,
        stop: &CancellationToken,
    ) -> Result<JobExecuted, Error> {
        let JobExecute { run_id, ref stage_id, .. } = command;
        let key = command.entry()?;
        if let Some(answer) = self.answered_before(&command, key.as_ref()).await? {
            return Ok(answer);
        }
        let snapshot = self.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let Some(stage) = snapshot.stages.iter().find(|stage| stage.stage_id == *stage_id) else {
            return Err(Error::stage_not_found(run_id, stage_id));
        };
        if stage.status == Status::Completed {
            return Ok(JobExecuted { outcome: JobOutcome::Completed });
        }
        self.definition_of(&snapshot.run).await?;
        let claim = Claim { worker_id: command.worker_id.clone(), lease: self.lease() };
        let claimed = match self.take(&command, &snapshot, &claim, key).await? {
            Taken::Job(job) => job,
            Taken::Answered(answer) => return Ok(answer),
            Taken::Nothing => {
                let reason = format!(
                    "run {run_id} is {}, and its stage `{stage_id}` {} without a job that is due",
                    snapshot.run.status, stage.status
                );
                return Ok(JobExecuted { outcome: JobOutcome::Ghost { reason } });
            }
        };
        let finished = self.execute_claimed(&claimed, &claim, &NoSlots, stop).await?;
        Ok(JobExecuted { outcome: finished.outcome })
    }
}

/// A host's room for the successors of a stage that completes.
pub(crate) trait Slots: Send + Sync {
    /// Takes room for up to `wanted` jobs, the one of the completing job included; answers how much.
    fn take(&self, wanted: usize) -> usize;
}

pub(crate) struct NoSlots;

impl Slots for NoSlots {
    fn take(&self, _: usize) -> usize {
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
        Self::with(JobOutcome::Ghost { reason: Error::lease_lost(lease.run_id, &lease.stage_id).to_string() })
    }
}

impl Kernel {
    /// Runs the body of a job that is claimed, and commits the outcome. Cancelling `stop` hands the job back.
    pub(crate) async fn execute_claimed(
        &self,
        job: &ClaimedJob,
        claim: &Claim,
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
        let finished = if job.waits {
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
        claim: &Claim,
        slots: &dyn Slots,
        stop: &CancellationToken,
    ) -> Result<Finished, Error> {
        let AttemptEnd { result, elapsed, reports, effects } =
            self.run_body(registered, stage, job, stop).await?;
        match result {
            AttemptResult::Completed(value) => {
                let completion = Completion { output: value, elapsed, reports, effects };
                match &stage.wait {
                    Some(wait) => self.suspend(wait, job, completion).await,
                    None => self.complete(registered, stage, job, completion, claim, slots).await,
                }
            }
            AttemptResult::Failed(error) => self.fail_attempt(stage, job, error, reports).await,
            AttemptResult::Stopped => self.hand_back(job, reports).await,
        }
    }

    pub(super) async fn complete(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
        completion: Completion,
        claim: &Claim,
        slots: &dyn Slots,
    ) -> Result<Finished, Error> {
        let lease = &job.lease;
        let prepared = self.prepare_output(lease, &completion.output).await?;
        let definition = registered.definition();
        let room = if stage.before.is_empty() { 0 } else { slots.take(stage.before.len()) };

        let mut changes = completion.reports;
        changes.extend(self.effect_changes(lease, completion.effects).await?);
        changes.extend(prepared.blob);
        changes.push(Change::Complete {
            stage_id: stage.id.clone(),
            output: prepared.value.clone(),
            elapsed: completion.elapsed,
        });
        for (position, &index) in stage.before.iter().enumerate() {
            let successor = &definition.stages[index];
            changes.push(Change::Release {
                stage_id: successor.id.clone(),
                max_attempts: successor.retry.max_attempts,
                claim: (position < room).then(|| claim.clone()),
            });
        }
        if definition.ends.iter().any(|&end| definition.stages[end].id == stage.id) {
            let output = (definition.ends.len() == 1).then_some(prepared.value);
            changes.push(Change::ReleaseRun { output });
        }
        changes.extend(answer(job, &JobOutcome::Completed));

        match self.commit_outcome(lease, changes).await? {
            None => {
                self.memories().forget(lease.run_id, lease.generation);
                Ok(Finished::ghost(lease))
            }
            Some(applied) => {
                if applied.ended.is_some() {
                    self.memories().forget(lease.run_id, lease.generation);
                } else if let Some(memory) = self.memories().get(lease.run_id, lease.generation) {
                    // Not before the commit: should the lease be lost, somebody else's output is the committed one, and
                    // this process may be running what comes after it. Whoever is faster than this reads the store.
                    memory.remember(&stage.id, completion.output);
                }
                Ok(Finished { outcome: JobOutcome::Completed, next: applied.claimed })
            }
        }
    }

    pub(super) async fn fail_attempt(
        &self,
        stage: &StageDefinition,
        job: &ClaimedJob,
        error: StageError,
        reports: Vec<Change>,
    ) -> Result<Finished, Error> {
        self.fail_attempt_as(STAGE_FAILED, stage, job, error, reports).await
    }

    /// The same, with the code that the run has should no attempt follow.
    async fn fail_attempt_as(
        &self,
        code: &'static str,
        stage: &StageDefinition,
        job: &ClaimedJob,
        error: StageError,
        reports: Vec<Change>,
    ) -> Result<Finished, Error> {
        let lease = &job.lease;
        let message = bounded(error.message());
        let retryable = error.is_retryable() && job.attempt < job.max_attempts;
        let applied = if retryable {
            let delay = error.delay().unwrap_or_else(|| stage.retry.delay_after(job.attempt, spread(job)));
            let mut changes = reports;
            changes.push(Change::Retry { stage_id: stage.id.clone(), error: message.clone(), delay });
            changes.extend(answer(job, &JobOutcome::Failed { error: message.clone(), retryable }));
            self.commit_outcome(lease, changes).await?.is_some()
        } else {
            if !reports.is_empty() {
                self.commit_outcome(lease, reports).await?;
            }
            let failure = FinalFailure {
                lease: lease.clone(),
                expired: false,
                code,
                error: message.clone(),
                answer: answer(job, &JobOutcome::Failed { error: message.clone(), retryable }),
            };
            self.persevere(lease, || self.fail_for_good(failure.clone())).await?
        };
        if applied {
            Ok(Finished::with(JobOutcome::Failed { error: message, retryable }))
        } else {
            Ok(Finished::ghost(lease))
        }
    }

    pub(super) async fn hand_back(&self, job: &ClaimedJob, reports: Vec<Change>) -> Result<Finished, Error> {
        let mut changes = reports;
        changes.push(Change::HandBack { stage_id: job.lease.stage_id.clone() });
        Ok(match self.commit_outcome(&job.lease, changes).await? {
            Some(_) => Finished::with(JobOutcome::HandedBack),
            None => Finished::ghost(&job.lease),
        })
    }

    /// Commits under the lease; `None` when it is lost.
    pub(super) async fn commit_outcome(
        &self,
        lease: &Lease,
        changes: Vec<Change>,
    ) -> Result<Option<Applied>, Error> {
        let decision =
            Decision { run_id: lease.run_id, guard: Guard::Lease(lease.clone()), idempotency: None, changes };
        let commit = self.persevere(lease, || self.store().commit(decision.clone())).await?;
        Ok(match commit {
            Commit::Applied(applied) => Some(applied),
            Commit::Missed | Commit::Repeated { .. } => None,
        })
    }

    /// Tries again while the store is away, for as long as the lease may live: the outcome of an hour's work is worth
    /// the wait. Should a commit have succeeded whose answer was lost, the next try misses: its lease is gone.
    pub(super) async fn persevere<T, F>(
        &self,
        lease: &Lease,
        commit: impl Fn() -> F + Send,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        const FIRST: Duration = Duration::from_millis(50);
        const LONGEST: Duration = Duration::from_secs(5);
        let mut pause = FIRST;
        let mut waited = Duration::ZERO;
        loop {
            match commit().await {
                Err(error) if error.is_retryable() && waited < self.lease() * 4 => {
                    tracing::warn!(run = %lease.run_id, stage = lease.stage_id, %error, "an outcome was not committed; trying again");
                    self.clock().sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2).min(LONGEST);
                }
                done => return done,
            }
        }
    }
}

/// What a body or a check has delivered.
pub(super) struct Completion {
    pub(super) output: Json,
    pub(super) elapsed: Duration,
    pub(super) reports: Vec<Change>,
    pub(super) effects: Effects,
}

/// The code of a run whose stage has failed for good.
const STAGE_FAILED: &str = "STAGE_FAILED";

/// Where in the jitter the retry of this job lies: spread over the runs, and the same whenever it is asked.
fn spread(job: &ClaimedJob) -> f64 {
    // The last bytes of a UUIDv7 are random.
    let bytes = job.lease.run_id.as_uuid().as_bytes();
    let random = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    // Knuth's multiplicative hash gives each attempt a place of its own.
    let place = random ^ job.attempt.wrapping_mul(2_654_435_761);
    f64::from(place) / f64::from(u32::MAX)
}

/// The longest error text that is stored, in bytes.
const MAX_ERROR_BYTES: usize = 8 * 1024;

fn bounded(message: &str) -> String {
    message[..message.floor_char_boundary(MAX_ERROR_BYTES)].to_owned()
}
