//! One attempt of a stage, to run it or to check it, under its timeout, until it ends or is stopped.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::Kernel;
use super::attempt_log::AttemptReports;
use super::calls::{AttemptCalls, Refused};
use super::effects::AttemptArtifacts;
use super::inputs::Inputs;
use super::registry::Registered;
use super::sleep::ClockPause;
use crate::context::{
    ContextServices, EffectBuffer, Effects, Extensions, StageContext, StageError, StageScope,
};
use crate::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use crate::error::Error;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::{ClaimedJob, Lease};
use crate::value::Json;

/// How an attempt ended, with the time that it took.
#[derive(Debug)]
pub(super) struct AttemptEnd<T> {
    pub(super) result: AttemptResult<T>,
    pub(super) elapsed: Duration,
    /// What is to be committed whatever the outcome: log lines and progress that are not yet, and how calls of models
    /// have ended.
    pub(super) reports: Vec<Change>,
    /// The newest call of a model, where it was refused for its budget.
    pub(super) refused: Option<Refused>,
    /// What is to be committed with its success.
    pub(super) effects: Effects,
}

#[derive(Debug)]
pub(super) enum AttemptResult<T> {
    Completed(T),
    Failed(StageError),
    /// From outside: the run has ended, the lease is lost, or the host stops.
    Stopped,
}

impl<T> AttemptEnd<T> {
    /// It ended before it began.
    fn failed(error: StageError) -> Self {
        Self {
            result: AttemptResult::Failed(error),
            elapsed: Duration::ZERO,
            reports: Vec::new(),
            refused: None,
            effects: Effects::default(),
        }
    }
}

/// An attempt that is about to begin.
struct Attempt<'a> {
    stage: &'a StageDefinition,
    lease: &'a Lease,
    stop: &'a CancellationToken,
    began: DateTime<Utc>,
    scope: StageScope,
    reports: Arc<AttemptReports>,
    effects: Arc<EffectBuffer>,
    artifacts: Arc<AttemptArtifacts>,
    calls: Arc<AttemptCalls>,
    pause: Arc<ClockPause>,
    extensions: Extensions,
}

impl Attempt<'_> {
    fn context(&self, inputs: Inputs) -> StageContext {
        let services = ContextServices {
            reports: Arc::clone(&self.reports) as _,
            effects: Arc::clone(&self.effects),
            artifacts: Arc::clone(&self.artifacts) as _,
            calls: Arc::clone(&self.calls) as _,
            pause: Arc::clone(&self.pause) as _,
            extensions: self.extensions.clone(),
        };
        StageContext::new(self.scope.clone(), inputs.reads, services)
    }
}

impl Kernel {
    /// Runs the body of a claimed job. Cancelling `stop` ends it at its next `.await`.
    pub(super) async fn run_body(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
        stop: &CancellationToken,
    ) -> Result<AttemptEnd<Json>, Error> {
        let attempt = self.begin(registered, stage, job, stop);
        let mut inputs = match self.inputs(registered, stage, job).await? {
            Ok(inputs) => inputs,
            Err(error) => return Ok(AttemptEnd::failed(error)),
        };
        let execution = Execution {
            inputs: std::mem::take(&mut inputs.handed),
            config: inputs.config.clone(),
            context: attempt.context(inputs),
        };
        let body = self.ports().executor.execute(stage, execution);
        Ok(self.storable(self.drive(attempt, body).await, |output| Some(output)))
    }

    /// Runs the check of a claimed job whose stage waits.
    pub(super) async fn run_check(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        wait: &WaitDefinition,
        ticket: Json,
        job: &ClaimedJob,
        stop: &CancellationToken,
    ) -> Result<AttemptEnd<CheckOutcome>, Error> {
        let attempt = self.begin(registered, stage, job, stop);
        let inputs = match self.inputs(registered, stage, job).await? {
            Ok(inputs) => inputs,
            Err(error) => return Ok(AttemptEnd::failed(error)),
        };
        let execution =
            CheckExecution { ticket, config: inputs.config.clone(), context: attempt.context(inputs) };
        let check = self.ports().executor.check(wait, execution);
        Ok(self.storable(self.drive(attempt, check).await, ready))
    }

    /// What could not be read back is not stored: the stage fails for good, for it would deliver the same again.
    fn storable<T>(&self, end: AttemptEnd<T>, output: fn(&T) -> Option<&Json>) -> AttemptEnd<T> {
        let AttemptResult::Completed(value) = &end.result else { return end };
        let limits = self.ports().limits;
        let artifacts = end.effects.artifacts.iter();
        let artifacts =
            artifacts.filter_map(|(key, value)| Some((format!("its artifact `{key}`"), value.as_ref()?)));
        let mut payloads =
            output(value).map(|output| ("its output".to_owned(), output)).into_iter().chain(artifacts);
        let refused = payloads.find_map(|(what, payload)| Some((what, limits.check(payload).err()?)));
        let Some((what, fault)) = refused else { return end };
        let error =
            StageError::permanent(format_args!("{what} cannot be stored: {fault} ({})", fault.code()));
        AttemptEnd { result: AttemptResult::Failed(error), effects: Effects::default(), ..end }
    }

    fn begin<'a>(
        &self,
        registered: &Registered,
        stage: &'a StageDefinition,
        job: &'a ClaimedJob,
        stop: &'a CancellationToken,
    ) -> Attempt<'a> {
        let began = self.clock().now();
        let scope = scope(stage, job, began, stop.child_token());
        let reports = Arc::new(AttemptReports::new(&scope));
        let artifacts = Arc::new(AttemptArtifacts::new(self, &job.lease, registered.definition()));
        let calls = Arc::new(AttemptCalls::new(self, &job.lease, stage.budget, stop));
        Attempt {
            stage,
            lease: &job.lease,
            stop,
            began,
            scope,
            reports,
            effects: Arc::default(),
            artifacts,
            calls,
            pause: Arc::new(ClockPause(Arc::clone(self.clock()))),
            extensions: self.ports().extensions.clone(),
        }
    }

    /// The work against its deadline, its cancellation and its own reports.
    async fn drive<T>(
        &self,
        attempt: Attempt<'_>,
        work: BoxFuture<'_, Result<T, StageError>>,
    ) -> AttemptEnd<T> {
        let Attempt { stage, lease, stop, began, scope, reports, effects, calls, .. } = attempt;
        let result = self.outcome(stage, lease, stop, scope.deadline, &reports, work).await;
        // Blocking code that the work left behind can only be asked.
        scope.cancellation.cancel();
        let elapsed = (self.clock().now() - began).to_std().unwrap_or(Duration::ZERO);
        let (effects, mut reports) = (effects.take(), reports.take());
        let (ended, refused) = calls.close();
        if effects.statements.is_empty() {
            reports.extend(ended);
        } else {
            // Should one of its statements be refused, what the attempt has said is worth all the more, and what it
            // has spent is spent.
            let now = reports.into_iter().chain(ended.iter().cloned()).collect();
            reports = if self.commit_reports(lease, now, stop).await { Vec::new() } else { ended };
        }
        AttemptEnd { result, elapsed, reports, refused, effects }
    }

    async fn outcome<T>(
        &self,
        stage: &StageDefinition,
        lease: &Lease,
        stop: &CancellationToken,
        deadline: Option<DateTime<Utc>>,
        reports: &AttemptReports,
        mut work: BoxFuture<'_, Result<T, StageError>>,
    ) -> AttemptResult<T> {
        let mut timeout = Box::pin(async {
            match deadline {
                Some(instant) => self.clock().sleep_until(instant).await,
                None => pending().await,
            }
        });
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return AttemptResult::Stopped,
                result = &mut work => return match result {
                    Ok(value) => AttemptResult::Completed(value),
                    Err(error) => AttemptResult::Failed(error),
                },
                () = &mut timeout => {
                    let timeout = stage.timeout.unwrap_or_default();
                    return AttemptResult::Failed(StageError::retryable(format_args!(
                        "timed out after {timeout:?}"
                    )));
                }
                () = reports.arrived() => {
                    self.commit_reports(lease, reports.take(), stop).await;
                }
            }
        }
    }

    /// Whether they are committed.
    async fn commit_reports(&self, lease: &Lease, changes: Vec<Change>, stop: &CancellationToken) -> bool {
        if changes.is_empty() {
            return true;
        }
        let decision = Decision {
            run_id: lease.run_id,
            precondition: Precondition::Lease(lease.clone()),
            idempotency: None,
            changes,
        };
        match self.store().commit(decision).await {
            Ok(Commit::Applied(_)) => return true,
            Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => stop.cancel(),
            // A log line is not worth the attempt.
            Err(error) => {
                tracing::warn!(run = %lease.run_id, stage = lease.stage_id, %error, "reports of a stage were not committed");
            }
        }
        false
    }
}

fn scope(
    stage: &StageDefinition,
    job: &ClaimedJob,
    began: DateTime<Utc>,
    cancellation: CancellationToken,
) -> StageScope {
    StageScope {
        run_id: job.lease.run_id,
        workflow_id: job.workflow_id.clone(),
        stage_id: stage.id.clone(),
        attempt: job.attempt,
        generation: job.lease.generation,
        deadline: stage
            .timeout
            .and_then(|timeout| TimeDelta::from_std(timeout).ok())
            .and_then(|timeout| began.checked_add_signed(timeout)),
        cancellation,
    }
}

fn ready(verdict: &CheckOutcome) -> Option<&Json> {
    match verdict {
        CheckOutcome::Ready(output) => Some(output),
        CheckOutcome::Pending(_) => None,
    }
}
