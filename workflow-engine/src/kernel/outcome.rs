//! The outcome of an attempt: one commit, fenced by its lease, with what becomes ready by it.

use std::time::Duration;

use super::Kernel;
use super::execute::{Finished, JobOutcome, Slots};
use super::fail::FinalFailure;
use super::idempotent_execute::answer;
use super::registry::Registered;
use crate::context::{Effects, StageError};
use crate::definition::StageDefinition;
use crate::error::{Error, ErrorCode};
use crate::ports::{Applied, Change, Commit, Decision, Precondition};
use crate::records::{Claimant, ClaimedJob, Lease};
use crate::value::Json;
use crate::value::limits::truncate;

/// What a body or a check has delivered.
pub(super) struct Completion {
    pub(super) output: Json,
    pub(super) elapsed: Duration,
    pub(super) reports: Vec<Change>,
    pub(super) effects: Effects,
}

impl Kernel {
    pub(super) async fn complete(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
        completion: Completion,
        claim: &Claimant,
        slots: &dyn Slots,
    ) -> Result<Finished, Error> {
        let lease = &job.lease;
        let prepared = self.prepare_output(lease, &completion.output).await?;
        let definition = registered.definition();
        let memory = self.memories().get(lease.run_id, lease.generation);
        let queued = memory.as_ref().map(|memory| memory.queued()).unwrap_or_default();
        let room = slots.take(stage.successors.len() + queued.len(), job.priority);

        let mut changes = completion.reports;
        changes.extend(self.effect_changes(lease, completion.effects).await?);
        changes.extend(prepared.blob);
        changes.push(Change::Complete {
            stage_id: stage.id.clone(),
            output: prepared.value.clone(),
            elapsed: completion.elapsed,
        });
        for (position, &index) in stage.successors.iter().enumerate() {
            let successor = &definition.stages[index];
            changes.push(Change::Release {
                stage_id: successor.id.clone(),
                max_attempts: successor.retry.max_attempts,
                claim: (position < room).then(|| claim.clone()),
            });
        }
        if room > 0 && !queued.is_empty() {
            changes.push(Change::ClaimQueued { stage_ids: queued, claim: claim.clone(), room });
        }
        if definition.output_stages.iter().any(|&end| definition.stages[end].id == stage.id) {
            let output = (definition.output_stages.len() == 1).then_some(prepared.value);
            changes.push(Change::ReleaseRun { output });
        }
        changes.extend(answer(job, &JobOutcome::Completed));

        let under_way = memory.map(|memory| memory.begin(&stage.id));
        match self.commit_outcome(lease, changes).await? {
            None => {
                self.memories().forget(lease.run_id, lease.generation);
                Ok(Finished::ghost(lease))
            }
            Some(applied) => {
                if applied.ended.is_some() {
                    self.memories().forget(lease.run_id, lease.generation);
                } else if let Some(under_way) = under_way {
                    // Not before the commit: should the lease be lost, somebody else's output is the committed one, and
                    // this process may be running what comes after it.
                    under_way.committed(completion.output, applied.ready);
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
        self.fail_attempt_as(ErrorCode::StageFailed, stage, job, error, reports).await
    }

    /// The same, with the code that the run has should no attempt follow.
    pub(super) async fn fail_attempt_as(
        &self,
        code: ErrorCode,
        stage: &StageDefinition,
        job: &ClaimedJob,
        error: StageError,
        reports: Vec<Change>,
    ) -> Result<Finished, Error> {
        let lease = &job.lease;
        let message = truncate::error_text(error.message());
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
            self.commit_with_retry(lease, || self.fail_for_good(failure.clone())).await?
        };
        if applied {
            Ok(Finished::with(JobOutcome::Failed { error: message, retryable }))
        } else {
            Ok(Finished::ghost(lease))
        }
    }

    pub(super) async fn hand_back(&self, job: &ClaimedJob, reports: Vec<Change>) -> Result<Finished, Error> {
        let mut changes = reports;
        changes.push(Change::ReturnJob { stage_id: job.lease.stage_id.clone() });
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
        let decision = Decision {
            run_id: lease.run_id,
            precondition: Precondition::Lease(lease.clone()),
            idempotency: None,
            changes,
        };
        let commit = self.commit_with_retry(lease, || self.store().commit(decision.clone())).await?;
        Ok(match commit {
            Commit::Applied(applied) => Some(applied),
            Commit::PreconditionFailed | Commit::Duplicate { .. } => None,
        })
    }

    /// Tries again while the store is away, for as long as the lease may live: the outcome of an hour's work is worth
    /// the wait. Should a commit have succeeded whose answer was lost, the next try misses: its lease is gone.
    pub(super) async fn commit_with_retry<T, F>(
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
                    if let Some(memory) = self.memories().get(lease.run_id, lease.generation) {
                        memory.settle(&lease.stage_id);
                    }
                    self.clock().sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2).min(LONGEST);
                }
                done => return done,
            }
        }
    }
}

/// Where in the jitter the retry of this job lies: spread over the runs, and the same whenever it is asked.
fn spread(job: &ClaimedJob) -> f64 {
    // The last bytes of a UUIDv7 are random.
    let bytes = job.lease.run_id.as_uuid().as_bytes();
    let random = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    // Knuth's multiplicative hash gives each attempt a place of its own.
    let place = random ^ job.attempt.wrapping_mul(2_654_435_761);
    f64::from(place) / f64::from(u32::MAX)
}
