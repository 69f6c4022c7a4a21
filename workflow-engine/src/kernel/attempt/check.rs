//! Stages that wait: the ticket is committed once, then checks run until one succeeds, fails for good, or the wait times
//! out. A stage that waits for a signal has no check but the last one, and one after each signal.
//!
//! A check is claimed like any other job, under its own lease, and runs outside of transactions. Between checks the run
//! costs nothing.

use std::time::Duration;

use chrono::TimeDelta;

use super::WORKER_STOPS;
use super::budget;
use super::context::AttemptContext;
use super::effects::effect_changes;
use super::execution_key;
use super::finish::{
    Completion, commit_effects, commit_outcome, commit_with_retry, complete, fail_attempt, hand_back,
    return_job,
};
use super::outcome::{Finished, JobOutcome};
use super::port_retry::PortRetry;
use super::run::{AttemptEnd, AttemptResult, run_check};
use crate::context::{Effects, StageError};
use crate::definition::CheckOutcome;
use crate::error::{Error, ErrorCode};
use crate::kernel::failure::{FinalFailure, fail_for_good};
use crate::kernel::stored_values::{PreparedValue, prepare_output};
use crate::ports::Change;
use crate::records::{StageRecord, StoredValue};

/// Commits the ticket that a body has returned. The body never runs again in this generation.
pub(super) async fn suspend(attempt: &AttemptContext<'_>, completion: Completion) -> Result<Finished, Error> {
    let lease = attempt.lease();
    let retry = PortRetry::new(attempt.kernel, lease);
    let ticket = if attempt.stage.child.is_some() {
        // In the row, where the commits about parent and child find it.
        PreparedValue { value: StoredValue::Inline(completion.output), blob: None }
    } else {
        retry.call(|| prepare_output(attempt.kernel, lease, &completion.output)).await?
    };
    let mut changes = completion.reports;
    changes.extend(effect_changes(attempt.kernel, lease, completion.effects).await?);
    changes.extend(ticket.blob);
    let (check_after, awaits_signal) = (first_check(attempt), attempt.stage.waits_for_signal());
    changes.push(Change::Suspend {
        stage_key: lease.stage_key.clone(),
        ticket: ticket.value,
        check_after,
        give_up_after: attempt.settings.give_up_after,
        awaits_signal,
    });
    commit_suspension(attempt, changes, check_after).await
}

/// Returns the time until the first check. Nothing polls for a signal: the commit of the signal makes the stage due.
fn first_check(attempt: &AttemptContext<'_>) -> Duration {
    let stage = attempt.stage;
    #[cfg(feature = "testing")]
    if (stage.waits_for_signal() || stage.child.is_some()) && attempt.kernel.is_replaced(&stage.id) {
        return Duration::ZERO;
    }
    if stage.waits_for_signal() { attempt.settings.give_up_after } else { attempt.settings.poll_every }
}

/// Runs one check of a stage that waits, and commits its outcome.
pub(super) async fn check(attempt: &AttemptContext<'_>) -> Result<Finished, Error> {
    let AttemptContext { kernel, stage, settings, job, .. } = *attempt;
    let lease = &job.lease;
    let retry = PortRetry::new(kernel, lease);
    let read = || kernel.store().stage(lease.run_id, &lease.stage_key);
    let record = retry.call_until(attempt.stop, read).await?;
    let waiting = record.and_then(|record| Some((record.suspended_state.clone()?, record)));
    let (Some(wait), Some((ticket, record))) = (&stage.wait, waiting) else {
        let error = StageError::permanent("the stage is suspended, but its ticket or its check is missing");
        return fail_attempt(attempt, error, Vec::new()).await;
    };
    let ticket = retry.call_until(attempt.stop, || kernel.resolve(lease.run_id, ticket.clone())).await?;
    let signal = if wait.is_signal() {
        retry.call_until(attempt.stop, || kernel.store().next_signal(lease.run_id, &lease.stage_key)).await?
    } else {
        None
    };
    let consumed = signal.as_ref().map(|signal| signal.number);
    let payload = signal.map(|signal| signal.payload);
    let AttemptEnd { result, elapsed, reports, refused_call, effects } =
        run_check(attempt, wait, (ticket, payload)).await?;
    match result {
        AttemptResult::Completed(CheckOutcome::Ready(output)) => {
            let elapsed = elapsed + body_time(&record, settings.give_up_after);
            let completion = Completion { output, elapsed, reports, effects, signal: consumed };
            complete(attempt, completion).await
        }
        AttemptResult::Completed(CheckOutcome::Pending(after)) => {
            let polled = if wait.is_signal() { settings.give_up_after } else { settings.poll_every };
            let after = after.unwrap_or(polled);
            postpone(attempt, &record, after, reports, effects).await
        }
        AttemptResult::Failed(error) => budget::fail(attempt, error, refused_call, reports).await,
        AttemptResult::Stopped => return_job(kernel, job, WORKER_STOPS, reports).await,
        AttemptResult::Unavailable(error) => hand_back(attempt, &error, reports).await,
    }
}

/// Schedules the next check after `after`, but no later than the instant at which the wait times out. The check at that
/// instant is the last one.
async fn postpone(
    attempt: &AttemptContext<'_>,
    record: &StageRecord,
    after: Duration,
    reports: Vec<Change>,
    effects: Effects,
) -> Result<Finished, Error> {
    let AttemptContext { kernel, settings, job, .. } = *attempt;
    let left = record.max_wait_until.map(|end| (end - kernel.clock().now()).to_std().unwrap_or_default());
    let left = left.unwrap_or(settings.give_up_after);
    if left.is_zero() {
        return time_out(attempt, reports).await;
    }
    let check_after = after.min(left);
    let mut changes = reports;
    changes.extend(effect_changes(kernel, &job.lease, effects).await?);
    changes.push(Change::Postpone { stage_key: job.lease.stage_key.clone(), check_after });
    commit_suspension(attempt, changes, check_after).await
}

async fn time_out(attempt: &AttemptContext<'_>, reports: Vec<Change>) -> Result<Finished, Error> {
    let AttemptContext { kernel, registered, stage, job, .. } = *attempt;
    if !reports.is_empty() {
        commit_outcome(kernel, &job.lease, reports).await?;
    }
    let error = format!("it was not ready within {:?}", attempt.settings.give_up_after);
    let outcome = JobOutcome::Failed { error: error.clone(), retryable: false };
    let failure = FinalFailure {
        lease: job.lease.clone(),
        expired: false,
        unless_woken: stage.waits_for_signal(),
        code: ErrorCode::WaitTimedOut,
        error,
        completed_key: execution_key::completion(job, &outcome),
        definition: registered.definition(),
    };
    let failed = commit_with_retry(kernel, &job.lease, || fail_for_good(kernel, failure.clone())).await?;
    if failed {
        return Ok(Finished::with(outcome));
    }
    if stage.waits_for_signal() {
        // A signal was committed since this check began, and its sender has the acknowledgement: the next check finds it.
        let check_after = Duration::ZERO;
        let changes = vec![Change::Postpone { stage_key: job.lease.stage_key.clone(), check_after }];
        return commit_suspension(attempt, changes, check_after).await;
    }
    Ok(Finished::superseded(kernel, &job.lease).await)
}

async fn commit_suspension(
    attempt: &AttemptContext<'_>,
    mut changes: Vec<Change>,
    check_after: Duration,
) -> Result<Finished, Error> {
    let outcome = JobOutcome::Suspended { check_after };
    changes.extend(execution_key::completion(attempt.job, &outcome));
    Ok(match commit_effects(attempt, changes).await? {
        Some(_) => Finished::with(outcome),
        None => Finished::superseded(attempt.kernel, attempt.lease()).await,
    })
}

/// Returns how long the body has taken, which returned the ticket. The wait began then, and it times out a fixed time later.
fn body_time(record: &StageRecord, give_up_after: Duration) -> Duration {
    let wait = TimeDelta::from_std(give_up_after).unwrap_or(TimeDelta::MAX);
    let suspended_at = record.max_wait_until.and_then(|end| end.checked_sub_signed(wait));
    let times = record.started_at.zip(suspended_at);
    times.and_then(|(start, suspended_at)| (suspended_at - start).to_std().ok()).unwrap_or_default()
}
