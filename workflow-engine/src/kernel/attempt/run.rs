//! The run of a body or check under its timeout, until it ends or is stopped.

use std::any::Any;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::context::AttemptContext;
use super::execution_key;
use super::inputs::{Inputs, load_inputs};
use super::ledger::RefusedCall;
use super::log::AttemptLog;
use super::port_retry::PortRetry;
use super::services::Services;
use crate::context::{EffectBuffer, Effects, StageError};
use crate::definition::{CheckExecution, CheckOutcome, Execution, WaitDefinition};
use crate::error::Error;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::value::{Json, Limits};

/// The end of an attempt.
#[derive(Debug)]
pub(super) struct AttemptEnd<T> {
    pub(super) result: AttemptResult<T>,
    pub(super) elapsed: Duration,
    /// The changes to commit with any outcome: log lines and progress that are not committed yet, and how calls of
    /// models ended.
    pub(super) reports: Vec<Change>,
    /// The newest call of a model, where its budget refused it.
    pub(super) refused_call: Option<RefusedCall>,
    /// The effects to commit with a success. A failed attempt, or one that has lost its lease, leaves none of them.
    pub(super) effects: Effects,
}

/// Why a body is stopped whose lease has ended without a renewal that the store acknowledged: another worker may run it
/// by now.
const NOT_RENEWED: &str = "the lease could not be renewed in time, so the body was stopped";

#[derive(Debug)]
pub(super) enum AttemptResult<T> {
    Completed(T),
    Failed(StageError),
    /// From outside: the run has ended, the lease is lost, or the host stops.
    Stopped,
    /// A call of the work to a port failed with this error, because the port stayed unavailable, and so did the work.
    Unavailable(String),
}

/// Runs the body of a claimed job. Cancelling the attempt's `stop` ends it at its next `.await`.
pub(super) async fn run_body(attempt: &AttemptContext<'_>) -> Result<AttemptEnd<Json>, Error> {
    let end = read_and_run_body(attempt).await;
    attempt.slots.body_ended();
    end
}

async fn read_and_run_body(attempt: &AttemptContext<'_>) -> Result<AttemptEnd<Json>, Error> {
    let (services, context) = Services::new(attempt);
    let mut inputs = match read_inputs(attempt).await? {
        Ok(inputs) => inputs,
        Err(error) => return Ok(AttemptEnd::failed(error)),
    };
    let execution = Execution {
        inputs: std::mem::take(&mut inputs.upstream),
        config: inputs.config.clone(),
        context: context.with(inputs),
        input_rules: attempt.stage.input_rules.as_ref().map(|own| Arc::clone(&own.rules)),
    };
    let body = attempt.kernel.config().executor.execute(attempt.stage, execution);
    let end = drive(attempt, services, body).await;
    Ok(refuse_unstorable(attempt.kernel.config().limits, end, |output| Some(output)))
}

/// Runs the check of a claimed job whose stage waits, with its ticket and the signal that it finds.
pub(super) async fn run_check(
    attempt: &AttemptContext<'_>,
    wait: &WaitDefinition,
    input: (Json, Option<Json>),
) -> Result<AttemptEnd<CheckOutcome>, Error> {
    let end = read_and_run_check(attempt, wait, input).await;
    attempt.slots.body_ended();
    end
}

async fn read_and_run_check(
    attempt: &AttemptContext<'_>,
    wait: &WaitDefinition,
    (ticket, signal): (Json, Option<Json>),
) -> Result<AttemptEnd<CheckOutcome>, Error> {
    let (services, context) = Services::new(attempt);
    let inputs = match read_inputs(attempt).await? {
        Ok(inputs) => inputs,
        Err(error) => return Ok(AttemptEnd::failed(error)),
    };
    let execution =
        CheckExecution { ticket, signal, config: inputs.config.clone(), context: context.with(inputs) };
    let check = attempt.kernel.config().executor.check(wait, execution);
    let end = drive(attempt, services, check).await;
    Ok(refuse_unstorable(attempt.kernel.config().limits, end, |outcome| match outcome {
        CheckOutcome::Ready(output) => Some(output),
        CheckOutcome::Pending(_) => None,
    }))
}

async fn read_inputs(attempt: &AttemptContext<'_>) -> Result<Result<Inputs, StageError>, Error> {
    let retry = PortRetry::new(attempt.kernel, attempt.lease());
    retry.call_until(attempt.stop, || load_inputs(attempt)).await
}

impl<T> AttemptEnd<T> {
    /// The end of an attempt that failed before its body started.
    fn failed(error: StageError) -> Self {
        Self {
            result: AttemptResult::Failed(error),
            elapsed: Duration::ZERO,
            reports: Vec::new(),
            refused_call: None,
            effects: Effects::default(),
        }
    }
}

/// Runs the work until it ends, and collects its reports, calls and effects.
async fn drive<T>(
    attempt: &AttemptContext<'_>,
    services: Services,
    work: BoxFuture<'_, Result<T, StageError>>,
) -> AttemptEnd<T> {
    let Services { began, times_out, cancellation, log, effects, ledger, ports } = services;
    attempt.listed.body_started();
    let ended = run_until_end(attempt, times_out, &log, work).await;
    attempt.listed.body_ended();
    attempt.slots.body_ended();
    let result = match (ended, ports.failure()) {
        (AttemptResult::Failed(_), Some(error)) => AttemptResult::Unavailable(error),
        (result, _) => result,
    };
    // Blocking code that the work left behind can only be asked to stop.
    cancellation.cancel();
    if matches!(result, AttemptResult::Stopped) {
        // The body holds its effects for as long as it lives.
        let life: Weak<dyn Any + Send + Sync> = Arc::<EffectBuffer>::downgrade(&effects);
        attempt.kernel.running().note_stopped(attempt.lease().clone(), life);
    }
    let elapsed = (attempt.kernel.clock().now() - began).to_std().unwrap_or(Duration::ZERO);
    attempt.meters.time.observe(elapsed);
    let (effects, mut reports) = (effects.close(), log.close());
    let (settled, refused_call) = ledger.close();
    if effects.statements.is_empty() {
        reports.extend(settled);
    } else {
        // The database may refuse one of the attempt's statements. Its log lines then explain the failure, and the cost
        // of its calls remains, so both are committed before.
        reports.extend(settled);
        let committed = ports.call(|| commit_reports(attempt, reports.clone())).await;
        reports = uncommitted(attempt, reports, committed);
    }
    AttemptEnd { result, elapsed, reports, refused_call, effects }
}

/// Runs the work against its timeout and its cancellation, and commits its reports as they arrive. At the deadline of the
/// run, the commit that fails the run cancels it.
async fn run_until_end<T>(
    attempt: &AttemptContext<'_>,
    times_out: Option<DateTime<Utc>>,
    log: &AttemptLog,
    mut work: BoxFuture<'_, Result<T, StageError>>,
) -> AttemptResult<T> {
    let mut timeout = pin!(async {
        match times_out {
            Some(instant) => attempt.kernel.clock().sleep_until(instant).await,
            None => pending().await,
        }
    });
    let clock = &**attempt.kernel.clock();
    // The claim, or reading the inputs, may have taken longer than the lease lasts.
    if attempt.listed.has_ended(clock) && !confirm_lease(attempt).await {
        return AttemptResult::Unavailable(NOT_RENEWED.into());
    }
    // Waited for after the work, so that a body that does not wait needs no timer.
    let mut lease_ended = pin!(attempt.listed.lease_ended(clock));
    loop {
        tokio::select! {
            biased;
            () = attempt.stop.cancelled() => return AttemptResult::Stopped,
            result = &mut work => return match result {
                Ok(value) => AttemptResult::Completed(value),
                // Its runtime was shut down.
                Err(error) if error.is_interrupted() => AttemptResult::Stopped,
                Err(error) => AttemptResult::Failed(error),
            },
            () = &mut timeout => {
                let timeout = attempt.settings.timeout.unwrap_or_default();
                return AttemptResult::Failed(StageError::retryable(format_args!(
                    "timed out after {timeout:?}"
                )));
            }
            () = &mut lease_ended => return AttemptResult::Unavailable(NOT_RENEWED.into()),
            () = log.arrived() => {
                let reports = log.take();
                let committed = commit_reports(attempt, reports.clone()).await;
                // They are committed with later ones, or with the outcome. Waiting here would hold up the body.
                log.restore(uncommitted(attempt, reports, committed));
            }
        }
    }
}

/// Renews the lease of a body that has not started. Returns whether it is held.
async fn confirm_lease(attempt: &AttemptContext<'_>) -> bool {
    let (kernel, lease) = (attempt.kernel, attempt.lease());
    let sent = kernel.clock().monotonic();
    match kernel.store().renew_leases(vec![lease.clone()], kernel.lease()).await {
        Ok(lost) if lost.is_empty() => {
            kernel.running().renew([lease], sent, kernel.lease());
            true
        }
        _ => false,
    }
}

/// Commits reports under the lease. Where it is lost, they are dropped and the body is stopped.
async fn commit_reports(attempt: &AttemptContext<'_>, changes: Vec<Change>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let lease = attempt.lease();
    let decision = Decision {
        run_id: lease.run_id,
        precondition: Precondition::Lease(lease.clone()),
        command: execution_key::COMMAND,
        idempotency: None,
        changes,
    };
    let committed = attempt.kernel.store().commit(decision).await;
    attempt.kernel.store().hints().outages().record("commit the log of a stage", &committed);
    if let Commit::PreconditionFailed | Commit::Duplicate { .. } = committed? {
        attempt.stop.cancel();
    }
    Ok(())
}

/// Returns the reports that are still to be committed. Log lines and progress that the store refuses for another reason
/// than being unavailable do not justify a failed attempt, so they are dropped.
fn uncommitted(
    attempt: &AttemptContext<'_>,
    mut reports: Vec<Change>,
    committed: Result<(), Error>,
) -> Vec<Change> {
    let Err(error) = committed else { return Vec::new() };
    if !error.is_retryable() {
        let lease = attempt.lease();
        tracing::warn!(run = %lease.run_id, stage = %lease.stage_key, %error, "log lines or progress of a stage were not committed");
        reports.retain(|report| matches!(report, Change::SettleCall { .. }));
    }
    reports
}

/// Fails an attempt whose output or artifacts could not be read back. No retry helps, because the stage would return
/// the same value again.
fn refuse_unstorable<T>(
    limits: Limits,
    end: AttemptEnd<T>,
    output: fn(&T) -> Option<&Json>,
) -> AttemptEnd<T> {
    let AttemptResult::Completed(value) = &end.result else { return end };
    let artifacts = end.effects.artifacts.iter();
    let artifacts = artifacts.filter_map(|(key, value)| Some((Some(key), value.as_ref()?)));
    let mut payloads = output(value).map(|output| (None, output)).into_iter().chain(artifacts);
    let refused = payloads.find_map(|(key, payload)| Some((key, limits.check(payload).err()?)));
    let Some((key, fault)) = refused else { return end };
    let what = key.map_or_else(|| "its output".to_owned(), |key| format!("its artifact `{key}`"));
    let error = StageError::with_code(
        fault.code(),
        format_args!("{what} cannot be stored: {fault} ({})", fault.code()),
    );
    AttemptEnd { result: AttemptResult::Failed(error), effects: Effects::default(), ..end }
}
