//! The idempotency key of `job.execute`, the one command that spans two commits.
//!
//! The first commit claims the job and writes the key, with the lease; the outcome's commit writes the answer. In
//! between the key says under which lease the command runs, so that one whose process died can be taken over.

use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::execute::{ExecuteJob, ExecuteJobOutput, JobOutcome};
use super::idempotency;
use super::reap_stale::take_back;
use crate::error::Error;
use crate::ports::{Applied, Change, Commit, Decision, IdempotencyEntry, Precondition, Snapshot};
use crate::records::{Claimant, ClaimedJob, Lease};
use crate::value::{Json, RunId};

/// What the key of a `job.execute` holds.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    InProgress { in_progress: Lease },
    Done(ExecuteJobOutput),
}

#[derive(Serialize)]
struct Request<'a>(RunId, &'a str);

/// What a claim brought.
pub(super) enum Taken {
    Job(ClaimedJob),
    /// Somebody else has executed it meanwhile, under the same key.
    Answered(ExecuteJobOutput),
    Nothing,
}

/// What the outcome's commit writes under the key with which the job was claimed, if there was one.
pub(super) fn answer(job: &ClaimedJob, outcome: &JobOutcome) -> Option<Change> {
    let key = job.idempotency_key.clone()?;
    // Texts and numbers: it can be written.
    let result = Json::encode(&ExecuteJobOutput { outcome: outcome.clone() }).ok()?;
    Some(Change::CompleteIdempotencyKey { command: ExecuteJob::NAME, key, result })
}

impl ExecuteJob {
    /// The entry of its key, to be completed with the lease.
    pub(super) fn entry(&self) -> Result<Option<IdempotencyEntry>, Error> {
        let request = Request(self.run_id, &self.stage_id);
        let entry = |key: &String| idempotency::entry(Self::NAME, key, &request, &());
        self.idempotency_key.as_ref().map(entry).transpose()
    }
}

impl Kernel {
    /// What the key was answered; `None` where it is new, or its command can be taken over.
    pub(super) async fn answered_before(
        &self,
        command: &ExecuteJob,
        entry: Option<&IdempotencyEntry>,
    ) -> Result<Option<ExecuteJobOutput>, Error> {
        let Some(entry) = entry else { return Ok(None) };
        if self.store().run(command.run_id).await?.is_none() {
            return Err(Error::run_not_found(command.run_id));
        }
        match self.kept(command.run_id, entry).await? {
            None => Ok(None),
            Some(Kept::Done(answer)) => Ok(Some(answer)),
            Some(Kept::InProgress { in_progress }) => {
                self.take_over(entry, in_progress).await?;
                Ok(None)
            }
        }
    }

    /// What is kept under the key: asked for by a decision that cannot be applied.
    async fn kept(&self, run_id: RunId, entry: &IdempotencyEntry) -> Result<Option<Kept>, Error> {
        let question = Decision {
            run_id,
            precondition: Precondition::Absent,
            idempotency: Some(entry.clone()),
            changes: Vec::new(),
        };
        match self.store().commit(question).await? {
            Commit::Duplicate { request_hash, result } => {
                idempotency::answer(entry, &request_hash, &result).map(Some)
            }
            Commit::Applied(_) | Commit::PreconditionFailed => Ok(None),
        }
    }

    /// Takes the job back from whoever executed it under this key, if the store says that the lease has run out.
    async fn take_over(&self, entry: &IdempotencyEntry, lease: Lease) -> Result<(), Error> {
        let snapshot = self.store().snapshot(lease.run_id).await?;
        let jobs = snapshot.map(|snapshot| snapshot.jobs).unwrap_or_default();
        let held = jobs.into_iter().find(|job| {
            job.stage_id == lease.stage_id
                && job.generation == lease.generation
                && job.lease_epoch == lease.epoch
                && job.worker_id.is_some()
        });
        // Otherwise it is nobody's, or somebody else's.
        let Some(job) = held else { return Ok(()) };
        match take_back(self, job, true).await? {
            Some(_) => Ok(()),
            None => Err(Error::idempotency_in_progress(&entry.key, entry.command)),
        }
    }

    /// Claims the job, and writes the key in the same commit.
    pub(super) async fn take(
        &self,
        command: &ExecuteJob,
        snapshot: &Snapshot,
        claim: &Claimant,
        entry: Option<IdempotencyEntry>,
    ) -> Result<Taken, Error> {
        let ExecuteJob { run_id, stage_id, .. } = command;
        let (run_id, generation) = (*run_id, snapshot.run.generation);
        let mut changes = vec![Change::Claim { stage_id: stage_id.clone(), claim: claim.clone() }];
        let Some(entry) = entry else {
            let precondition = Precondition::Claimable { stage_id: stage_id.clone(), generation };
            let decision = Decision { run_id, precondition: precondition, idempotency: None, changes };
            return Ok(match self.store().commit(decision).await? {
                Commit::Applied(applied) => taken(applied, None),
                Commit::PreconditionFailed | Commit::Duplicate { .. } => Taken::Nothing,
            });
        };

        let job = snapshot.jobs.iter().find(|job| job.stage_id == *stage_id);
        let Some(epoch) = job.map(|job| job.lease_epoch) else { return Ok(Taken::Nothing) };
        let lease = Lease { run_id, stage_id: stage_id.clone(), generation, epoch: epoch + 1 };
        let result = Json::encode(&Kept::InProgress { in_progress: lease })
            .map_err(|error| Error::stored_answer(&entry.key, entry.command, error))?;
        let is_kept = self.kept(run_id, &entry).await?.is_some();
        let key = entry.key.clone();
        let idempotency = if is_kept {
            changes.push(Change::CompleteIdempotencyKey { command: entry.command, key: key.clone(), result });
            None
        } else {
            Some(IdempotencyEntry { result, ..entry.clone() })
        };
        // The key names the lease, so the claim has to be the one after this epoch.
        let precondition = Precondition::ClaimableAt { stage_id: stage_id.clone(), generation, epoch };
        match self
            .store()
            .commit(Decision { run_id, precondition: precondition, idempotency, changes })
            .await?
        {
            Commit::Applied(applied) => Ok(taken(applied, Some(key))),
            Commit::PreconditionFailed => Ok(Taken::Nothing),
            Commit::Duplicate { request_hash, result } => {
                match idempotency::answer(&entry, &request_hash, &result)? {
                    Kept::Done(answer) => Ok(Taken::Answered(answer)),
                    Kept::InProgress { .. } => Err(Error::idempotency_in_progress(&entry.key, entry.command)),
                }
            }
        }
    }
}

fn taken(mut applied: Applied, idempotency_key: Option<String>) -> Taken {
    let job = applied.claimed.pop();
    job.map_or(Taken::Nothing, |job| Taken::Job(ClaimedJob { idempotency_key, ..job }))
}
