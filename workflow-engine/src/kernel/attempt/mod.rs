//! One claimed job: its body or check runs, and its outcome is committed.
//!
//! An attempt has three phases. The claim is its own commit, or part of the commit that made the stage ready. The body
//! runs outside of any transaction. The outcome is one commit, fenced by the lease, together with its events and the
//! successors that become ready. The epoch of the lease is the fence: each claim raises it and nothing resets it, unlike
//! the attempt number, which returning a job to the queue resets.

mod outcome;
mod context;
mod span;
mod run;
mod services;
mod inputs;
mod log;
mod effects;
mod children;
mod ledger;
mod check;
mod port_retry;
mod finish;
mod budget;
pub(super) mod execution_key;

use std::pin::pin;

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub(crate) use finish::{WORKER_STOPS, return_lease};
pub(super) use log::MAX_PENDING;
pub(crate) use outcome::Finished;
pub use outcome::JobOutcome;

use super::Kernel;
use super::compatibility::definition_for;
use super::measured::outcome;
use super::registry::Registered;
use super::running_jobs::RunningJob;
use super::slots::Slots;
use super::stored_values::cached_run;
use crate::definition::{StageDefinition, StageSettings};
use crate::error::Error;
use crate::records::{Claimant, ClaimedJob};
use crate::telemetry::spans;
use context::AttemptContext;
use finish::Completion;
use port_retry::PortRetry;
use run::{AttemptEnd, AttemptResult};

/// Runs the body of a claimed job that is listed among the running ones, and commits the outcome. Cancelling `stop` returns
/// the job to the queue.
pub(super) async fn execute(
    kernel: &Kernel,
    job: &ClaimedJob,
    listed: &RunningJob,
    claimant: &Claimant,
    slots: &dyn Slots,
    stop: &CancellationToken,
) -> Result<Finished, Error> {
    let retry = PortRetry::new(kernel, &job.lease);
    let find = || async {
        let (registered, (index, stage)) = find_stage(kernel, job).await?;
        Ok((registered, (index, stage), settings(kernel, registered, stage, job).await?))
    };
    let (registered, (index, stage), settings) = match retry.call_until(stop, find).await {
        Ok(found) => found,
        Err(error) => {
            slots.body_ended();
            // Another process may have the run's definition, the stage's state, or a store that responds.
            let reason = error.to_string();
            let returned = Box::pin(finish::return_job(kernel, job, &reason, Vec::new())).await?;
            return if error.is_retryable() { Ok(returned) } else { Err(error) };
        }
    };
    let meters = registered.meters().stage(index);
    registered.meters().claimed(job.waited);
    let attempt =
        AttemptContext { kernel, registered, stage, settings, meters, job, claimant, slots, listed, stop };
    let (span, begun) = span::attempt_span(&attempt).await;
    // Pinned here, because the span would move it.
    let finished = pin!(async {
        // Here and below, what few attempts do is boxed: the future of every other one is smaller then.
        let finished = match begun {
            Err(error) => Err(error),
            Ok(()) if job.is_poll => Box::pin(check::check(&attempt)).await,
            Ok(()) => run_and_commit(&attempt).await,
        };
        match finished {
            Err(error) => {
                slots.body_ended();
                Box::pin(finish::end_after_error(&attempt, error)).await
            }
            finished => finished,
        }
    });
    let finished = finished.instrument(span.clone()).await;
    let outcome = outcome(&finished, |finished| &finished.outcome);
    meters.ended(job.is_poll, outcome);
    spans::attempt_ended(&span, outcome);
    finished
}

async fn find_stage<'a>(
    kernel: &'a Kernel,
    job: &ClaimedJob,
) -> Result<(&'a Registered, (usize, &'static StageDefinition)), Error> {
    let run_id = job.lease.run_id;
    let registered = definition_for(kernel, run_id, &job.workflow_id, &job.definition_fingerprint).await?;
    let stage = registered.stage(&job.lease.stage_key.id);
    let (index, stage) = stage.ok_or_else(|| Error::stage_not_found(run_id, &job.lease.stage_key))?;
    kernel.check_state_of(&registered.definition().id, stage)?;
    Ok((registered, (index, stage)))
}

/// Returns the limits of the stage in its run.
async fn settings(
    kernel: &Kernel,
    registered: &Registered,
    stage: &StageDefinition,
    job: &ClaimedJob,
) -> Result<StageSettings, Error> {
    if !stage.has_configured_settings() {
        return Ok(stage.declared_settings());
    }
    let run = cached_run(kernel, job.lease.run_id, job.lease.generation).await?;
    let config = inputs::stage_config(&run, registered, stage, job);
    // Only with a compatible definition can a value be out of range. The call of the function reports what it cannot read.
    Ok(stage.settings(&config).unwrap_or_else(|_| stage.declared_settings()))
}

async fn run_and_commit(attempt: &AttemptContext<'_>) -> Result<Finished, Error> {
    let AttemptEnd { result, elapsed, reports, refused_call, effects } = run::run_body(attempt).await?;
    match result {
        AttemptResult::Completed(output) => {
            let completion = Completion { output, elapsed, reports, effects, signal: None };
            if attempt.stage.wait.is_some() {
                Box::pin(check::suspend(attempt, completion)).await
            } else {
                finish::complete(attempt, completion).await
            }
        }
        AttemptResult::Failed(error) => Box::pin(budget::fail(attempt, error, refused_call, reports)).await,
        AttemptResult::Stopped => {
            Box::pin(finish::return_job(attempt.kernel, attempt.job, WORKER_STOPS, reports)).await
        }
        AttemptResult::Unavailable(error) => Box::pin(finish::hand_back(attempt, &error, reports)).await,
    }
}
