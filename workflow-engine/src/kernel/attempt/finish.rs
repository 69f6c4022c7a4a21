//! The commit of an attempt's outcome: one commit, fenced by its lease, with the successors that become ready.
//!
//! Its precondition is the lease alone, not the run's revision. So two branches that complete at the same time do not
//! conflict.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::children::started_definitions;
use super::context::AttemptContext;
use super::effects::{effect_changes, refused_statements};
use super::execution_key;
use super::outcome::{Finished, JobOutcome};
use super::port_retry::PortRetry;
use crate::context::{Effects, StageError};
use crate::definition::RunOutput;
use crate::error::{Error, ErrorCode};
use crate::kernel::Kernel;
use crate::kernel::choice::choose;
use crate::kernel::failure::{FinalFailure, fail_for_good};
use crate::kernel::links::wake_parent;
use crate::kernel::measured::count_end;
use crate::kernel::start_plan::delay_of;
use crate::kernel::stored_values::prepare_output;
use crate::ports::{Applied, Change, Commit, Decision, Precondition};
use crate::records::{ClaimedJob, Lease};
use crate::value::Json;
use crate::value::limits::truncate;

/// How long a commit with statements may continue after the worker has to stop.
const COMMIT_GRACE: Duration = Duration::from_millis(100);

/// Why a worker that drains, or whose host ends, returns a job.
pub(crate) const WORKER_STOPS: &str = "the worker stops";

/// The result of a body or check that succeeded.
pub(super) struct Completion {
    pub(super) output: Json,
    pub(super) elapsed: Duration,
    pub(super) reports: Vec<Change>,
    pub(super) effects: Effects,
    /// The number of the signal that the completion consumes.
    pub(super) signal: Option<u64>,
}

/// Commits the output of the stage, releases its successors, and claims those for which the host has slots.
pub(super) async fn complete(
    attempt: &AttemptContext<'_>,
    completion: Completion,
) -> Result<Finished, Error> {
    let AttemptContext { kernel, registered, stage, job, claimant, slots, .. } = *attempt;
    let lease = &job.lease;
    let arm = match choose(stage, &completion.output) {
        Ok(arm) => arm,
        Err(error) => return Box::pin(fail_attempt(attempt, error, completion.reports)).await,
    };
    let retry = PortRetry::new(kernel, lease);
    let prepared = retry.call(|| prepare_output(kernel, lease, &completion.output)).await?;
    let definition = registered.definition();
    let (index, chosen) = (stage.index(), arm.map(|arm| arm as usize));
    let next = definition.next(index, chosen);
    let run = kernel.run_cache().get(lease.run_id, lease.generation);
    let queued = run.as_ref().map(|run| run.queued()).unwrap_or_default();
    let at_once = next.releases.iter().filter(|(successor, _)| definition.stages[*successor].delay.is_none());
    let room = slots.take(at_once.count() + queued.len(), job.priority);

    let mut changes = completion.reports;
    changes.extend(effect_changes(kernel, lease, completion.effects).await?);
    changes.extend(prepared.blob);
    changes.extend(
        completion.signal.map(|number| Change::ConsumeSignal { stage_key: lease.stage_key.clone(), number }),
    );
    changes.extend(arm.map(|arm| Change::Choose { stage_key: lease.stage_key.clone(), arm }));
    changes.push(Change::Complete {
        stage_key: lease.stage_key.clone(),
        output: prepared.value.clone(),
        elapsed: completion.elapsed,
    });
    changes.extend(next.skips.iter().map(|&skipped| Change::Skip {
        stage_key: definition.stages[skipped].key(),
        because: stage.id.clone(),
    }));
    let mut free = room;
    for &(successor, count) in &next.releases {
        let successor = &definition.stages[successor];
        let claims = free > 0 && successor.delay.is_none();
        free -= usize::from(claims);
        let release = || Change::Release {
            stage_key: successor.key(),
            max_attempts: successor.retry.max_attempts,
            max_crashes: successor.retry.max_crashes,
            claim: claims.then(|| claimant.clone()),
        };
        changes.extend((0..count).map(|_| release()).chain(delay_of(successor)));
    }
    if room > 0 && !queued.is_empty() {
        changes.push(Change::ClaimQueued { stage_keys: queued, claim: claimant.clone(), room });
    }
    if next.ends > 0 {
        let (output, stages) = match definition.run_output(index, chosen, &prepared.value) {
            RunOutput::Value(output) => (Some(output), definition.output_stage_keys()),
            RunOutput::Stages(stages) => (None, stages),
        };
        let release = || Change::ReleaseRun { output: output.clone(), stages: stages.clone() };
        changes.extend((0..next.ends).map(|_| release()));
    }
    if next.ends > 0 {
        changes.extend(wake_parent(job.awaited_by.as_ref()));
    }
    changes.extend(execution_key::completion(job, &JobOutcome::Completed));

    let pending = run.map(|run| run.begin(&lease.stage_key));
    let Some((applied, claimed)) = commit_effects(attempt, changes).await? else {
        kernel.run_cache().remove(lease.run_id, lease.generation);
        return Ok(Finished::superseded(kernel, lease).await);
    };
    if applied.ended.is_some() {
        count_end(registered.meters(), &applied);
        kernel.run_cache().remove(lease.run_id, lease.generation);
    } else if let Some(pending) = pending {
        // Not before the commit: if the lease is lost, the committed output is another worker's, and this process may
        // be running the successors.
        pending.committed(completion.output, arm, applied.ready);
    }
    Ok(Finished { outcome: JobOutcome::Completed, next: applied.claimed, claimed })
}

/// Commits a failed attempt: the stage is retried, or fails for good with its run.
pub(super) async fn fail_attempt(
    attempt: &AttemptContext<'_>,
    error: StageError,
    reports: Vec<Change>,
) -> Result<Finished, Error> {
    fail_with_code(attempt, error.code(), error, reports).await
}

/// As [`fail_attempt`], with the error code of the run if no attempt follows.
pub(super) async fn fail_with_code(
    attempt: &AttemptContext<'_>,
    code: ErrorCode,
    error: StageError,
    reports: Vec<Change>,
) -> Result<Finished, Error> {
    let AttemptContext { kernel, registered, settings, job, .. } = *attempt;
    let definition = registered.definition();
    let lease = &job.lease;
    let message = truncate::error_text(error.message());
    let retryable = error.is_retryable() && job.attempt < attempt.last_attempt();
    let outcome = JobOutcome::Failed { error: message.clone(), retryable };
    let completed_key = execution_key::completion(job, &outcome);
    let is_applied = if retryable {
        let delay = error.delay().unwrap_or_else(|| {
            settings.retry.delay_after(job.attempt - job.crashes.min(job.attempt), jitter(job))
        });
        let mut changes = reports;
        changes.push(Change::Retry { stage_key: lease.stage_key.clone(), error: message, delay });
        changes.extend(completed_key);
        commit_outcome(kernel, lease, changes).await?.is_some()
    } else {
        if !reports.is_empty() {
            commit_outcome(kernel, lease, reports).await?;
        }
        let failure = FinalFailure {
            lease: lease.clone(),
            expired: false,
            unless_woken: false,
            code,
            error: message,
            completed_key,
            definition,
        };
        commit_with_retry(kernel, lease, || fail_for_good(kernel, failure.clone())).await?
    };
    Ok(if is_applied { Finished::with(outcome) } else { Finished::superseded(kernel, lease).await })
}

/// Returns the job to the queue; the attempt does not count.
pub(super) async fn return_job(
    kernel: &Kernel,
    job: &ClaimedJob,
    reason: &str,
    reports: Vec<Change>,
) -> Result<Finished, Error> {
    let mut changes = reports;
    changes.push(returned(&job.lease, reason));
    Ok(match commit_outcome(kernel, &job.lease, changes).await? {
        Some(_) => Finished::with(JobOutcome::HandedBack),
        None => Finished::superseded(kernel, &job.lease).await,
    })
}

/// Returns the job of this lease to the queue; the attempt does not count. Returns `false` when the lease is lost.
pub(crate) async fn return_lease(kernel: &Kernel, lease: &Lease, reason: &str) -> Result<bool, Error> {
    Ok(commit_outcome(kernel, lease, vec![returned(lease, reason)]).await?.is_some())
}

fn returned(lease: &Lease, reason: &str) -> Change {
    Change::ReturnJob { stage_key: lease.stage_key.clone(), reason: truncate::error_text(reason) }
}

/// Ends an attempt that a port has failed. An unavailable port costs no attempt: the job returns to the queue, with the
/// reason at its stage. Any other error fails the attempt by name.
pub(super) async fn end_after_error(attempt: &AttemptContext<'_>, error: Error) -> Result<Finished, Error> {
    if let Some((code, refused)) = refused_statements(&error) {
        return fail_with_code(attempt, code, refused, Vec::new()).await;
    }
    if error.code() == ErrorCode::RunNotFound {
        return Ok(Finished::superseded(attempt.kernel, attempt.lease()).await);
    }
    if error.is_retryable() {
        return hand_back(attempt, &error.to_string(), Vec::new()).await;
    }
    fail_with_code(attempt, error.code(), StageError::retryable(&error), Vec::new()).await
}

/// Returns the job of an attempt for which a port stayed unavailable to the queue, with the reason at its stage. The
/// attempt does not count.
pub(super) async fn hand_back(
    attempt: &AttemptContext<'_>,
    error: &str,
    reports: Vec<Change>,
) -> Result<Finished, Error> {
    let AttemptContext { kernel, job, stop, .. } = *attempt;
    if stop.is_cancelled() {
        return return_job(kernel, job, WORKER_STOPS, reports).await;
    }
    let lease = &job.lease;
    tracing::error!(run = %lease.run_id, stage = %lease.stage_key, error, "a port stays unavailable, so an attempt returns its job to the queue");
    let mut changes = reports;
    changes
        .push(Change::NoteError { stage_key: lease.stage_key.clone(), error: truncate::error_text(error) });
    loop {
        // Without the store nothing else can be done with the job. Its lease is renewed as soon as the store responds.
        match return_job(kernel, job, error, changes.clone()).await {
            Err(error) if error.is_retryable() && !stop.is_cancelled() => {}
            returned => return returned,
        }
    }
}

/// As [`commit_and_claim`], for an outcome with the effects of a body. Its statements may wait for locks of other sessions,
/// for minutes. A worker that stops does not wait for them: its job returns to the queue, which voids the commit.
pub(super) async fn commit_effects(
    attempt: &AttemptContext<'_>,
    changes: Vec<Change>,
) -> Result<Option<(Applied, Duration)>, Error> {
    let AttemptContext { kernel, job, stop, .. } = *attempt;
    let has_statements = changes.iter().any(|change| matches!(change, Change::Execute { .. }));
    let started = started_definitions(&changes);
    let commit = pin!(async {
        let committed = commit_and_claim(kernel, &job.lease, changes).await?;
        let children = started.iter().filter(|_| committed.is_some());
        for registered in children.filter_map(|fingerprint| kernel.registry().by_fingerprint(fingerprint)) {
            registered.meters().runs_started.increment();
        }
        Ok(committed)
    });
    if !has_statements {
        return commit.await;
    }
    let stopped = async {
        stop.cancelled().await;
        // A commit that waits for nothing succeeds meanwhile.
        kernel.clock().sleep(COMMIT_GRACE).await;
    };
    tokio::select! {
        biased;
        committed = commit => committed,
        () = stopped => Err(Error::shutting_down()),
    }
}

/// Commits under the lease; returns `None` when it is lost.
pub(super) async fn commit_outcome(
    kernel: &Kernel,
    lease: &Lease,
    changes: Vec<Change>,
) -> Result<Option<Applied>, Error> {
    Ok(commit_and_claim(kernel, lease, changes).await?.map(|(applied, _)| applied))
}

/// As [`commit_outcome`], with the time at which the commit was sent: the leases of the jobs that it claimed began no
/// earlier.
async fn commit_and_claim(
    kernel: &Kernel,
    lease: &Lease,
    changes: Vec<Change>,
) -> Result<Option<(Applied, Duration)>, Error> {
    let decision = Arc::new(Decision {
        run_id: lease.run_id,
        precondition: Precondition::Lease(lease.clone()),
        command: execution_key::COMMAND,
        idempotency: None,
        changes,
    });
    let commit = || async {
        let sent = kernel.clock().monotonic();
        Ok((kernel.commit(Arc::clone(&decision)).await?, sent))
    };
    let (commit, sent) = commit_with_retry(kernel, lease, commit).await?;
    Ok(match commit {
        Commit::Applied(applied) => Some((applied, sent)),
        Commit::PreconditionFailed | Commit::Duplicate { .. } => None,
    })
}

/// Commits, again and again while the store is unavailable. If a commit succeeded and only its result was lost, the
/// repetition finds the lease gone and writes nothing.
pub(super) async fn commit_with_retry<T, F>(
    kernel: &Kernel,
    lease: &Lease,
    commit: impl Fn() -> F + Send + Sync,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>> + Send,
{
    let commit = || async {
        let committed = commit().await;
        if committed.as_ref().is_err_and(Error::is_retryable)
            && let Some(run) = kernel.run_cache().get(lease.run_id, lease.generation)
        {
            run.settle(&lease.stage_key);
        }
        committed
    };
    PortRetry::new(kernel, lease).call(commit).await
}

/// Returns the jitter of this job's retry, in `0.0..=1.0`: spread over the runs, and the same for each call.
fn jitter(job: &ClaimedJob) -> f64 {
    // The last bytes of a UUIDv7 are random.
    let bytes = job.lease.run_id.as_uuid().as_bytes();
    let random = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    // Knuth's multiplicative hash gives each attempt its own value.
    let value = random ^ job.attempt.wrapping_mul(2_654_435_761);
    f64::from(value) / f64::from(u32::MAX)
}
