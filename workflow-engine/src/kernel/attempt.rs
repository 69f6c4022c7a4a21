//! One attempt of a stage: its body with its inputs, under its timeout, until it ends or is stopped.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Kernel;
use super::memory::RunMemory;
use super::registry::Registered;
use super::reports::AttemptReports;
use crate::error::Error;
use crate::language::{Execution, Json, StageContext, StageDefinition, StageError, StageScope};
use crate::ports::{Change, Commit, Decision, Guard};
use crate::records::{ClaimedJob, Lease};

/// How an attempt ended, with the time that it took.
#[derive(Debug)]
pub(super) struct AttemptEnd {
    pub(super) result: AttemptResult,
    pub(super) elapsed: Duration,
    /// Log lines and progress that are not committed yet.
    pub(super) reports: Vec<Change>,
}

#[derive(Debug)]
pub(super) enum AttemptResult {
    Completed(Json),
    Failed(StageError),
    /// From outside: the run has ended, the lease is lost, or the host stops.
    Stopped,
}

impl Kernel {
    /// Runs the body of a claimed job. Cancelling `stop` ends it at its next `.await`.
    pub(super) async fn attempt(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
        stop: &CancellationToken,
    ) -> Result<AttemptEnd, Error> {
        let began = self.clock().now();
        let memory = self.run_memory(job.lease.run_id, job.lease.generation).await?;
        let scope = scope(stage, job, began, stop.child_token());
        let reports = Arc::new(AttemptReports::new(&scope));
        let execution = match self.inputs(registered, stage, &job.lease, &memory).await? {
            Ok(inputs) => Execution {
                handed: inputs.handed,
                config: memory.config.get(&stage.id).cloned().unwrap_or_else(Json::null),
                context: StageContext::new(scope.clone(), inputs.reads, Arc::clone(&reports) as _),
            },
            Err(error) => {
                let result = AttemptResult::Failed(error);
                return Ok(AttemptEnd { result, elapsed: Duration::ZERO, reports: Vec::new() });
            }
        };

        let result = self.drive(stage, execution, &job.lease, stop, &reports).await;
        // Blocking code that the body left behind can only be asked.
        scope.cancellation.cancel();
        let elapsed = (self.clock().now() - began).to_std().unwrap_or(Duration::ZERO);
        Ok(AttemptEnd { result, elapsed, reports: reports.take() })
    }

    /// The body against its deadline, its cancellation and its own reports.
    async fn drive(
        &self,
        stage: &StageDefinition,
        execution: Execution,
        lease: &Lease,
        stop: &CancellationToken,
        reports: &AttemptReports,
    ) -> AttemptResult {
        let deadline = execution.context.deadline();
        let mut body = self.ports().executor.execute(stage, execution);
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
                result = &mut body => return match result {
                    Ok(output) => AttemptResult::Completed(output),
                    Err(error) => AttemptResult::Failed(error),
                },
                () = &mut timeout => {
                    let timeout = stage.timeout.unwrap_or_default();
                    return AttemptResult::Failed(StageError::retryable(format_args!(
                        "timed out after {timeout:?}"
                    )));
                }
                () = reports.arrived() => self.commit_reports(lease, reports.take(), stop).await,
            }
        }
    }

    async fn commit_reports(&self, lease: &Lease, changes: Vec<Change>, stop: &CancellationToken) {
        if changes.is_empty() {
            return;
        }
        let decision =
            Decision { run_id: lease.run_id, guard: Guard::Lease(lease.clone()), idempotency: None, changes };
        match self.store().commit(decision).await {
            Ok(Commit::Applied(_)) => {}
            Ok(Commit::Missed | Commit::Repeated { .. }) => stop.cancel(),
            // A log line is not worth the attempt.
            Err(error) => {
                tracing::warn!(run = %lease.run_id, stage = lease.stage_id, %error, "reports of a stage were not committed")
            }
        }
    }

    /// The stored values that the body is called with. The inner error is the attempt's: an output that should be
    /// there is not.
    async fn inputs(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        lease: &Lease,
        memory: &RunMemory,
    ) -> Result<Result<Inputs, StageError>, Error> {
        let stages = &registered.definition().stages;
        let id = |index: &usize| stages[*index].id.as_str();
        let mut known: HashMap<&str, Json> = HashMap::new();
        let mut missing = Vec::new();
        for stage_id in stage.handed.iter().chain(&stage.reads).map(id) {
            match memory.output(stage_id) {
                Some(output) => drop(known.insert(stage_id, output)),
                None => missing.push(stage_id.to_owned()),
            }
        }
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let mut stored = self.stored_outputs(lease.run_id, &missing).await?;
            for stage_id in stage.handed.iter().chain(&stage.reads).map(id) {
                if let Some(output) = stored.remove(stage_id) {
                    memory.remember(stage_id, output.clone());
                    known.insert(stage_id, output);
                }
            }
        }
        let find = |index: &usize| {
            known.get(id(index)).cloned().ok_or_else(|| {
                StageError::permanent(format_args!("the output of stage `{}` is missing", id(index)))
            })
        };
        let handed: Result<Vec<Json>, StageError> = if stage.after.is_empty() {
            Ok(vec![memory.input.clone()])
        } else {
            stage.handed.iter().map(find).collect()
        };
        let reads: Result<HashMap<String, Json>, StageError> =
            stage.reads.iter().map(|index| Ok((id(index).to_owned(), find(index)?))).collect();
        Ok(handed.and_then(|handed| Ok(Inputs { handed, reads: reads? })))
    }
}

struct Inputs {
    handed: Vec<Json>,
    reads: HashMap<String, Json>,
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
