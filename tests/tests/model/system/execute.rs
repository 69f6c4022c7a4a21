//! Translates a command of a case into commands of the kernel, and the output into the reference's response.

use std::time::Duration;

use workflow_engine::kernel::{
    CancelRun, ClaimPendingRuns, CreateRun, ExecuteJob, FailOverdueRuns, FlushOutbox, JobOutcome,
    ReapStaleLeases, RerunFrom, SignalRun, TickSchedules, TransitionAction, TransitionRun, WakeStage,
};
use workflow_engine::records::{Claimant, ClaimedJob, Lease};
use workflow_engine::testing::{ExecutedJob, execute_job, return_job};
use workflow_engine::{Error, Json, RunId};

use super::process::Process;
use super::{Held, IdMap, lock};
use crate::step::{Claimed, Command, Index, Outcome, Response};
use crate::workflows;

impl Process {
    /// Executes a command.
    pub async fn execute(&self, command: &Command, ids: &IdMap) -> Response {
        self.try_execute(command, ids).await.unwrap_or_else(|error| Response::Refused(error.code().as_str()))
    }

    async fn try_execute(&self, command: &Command, ids: &IdMap) -> Result<Response, Error> {
        let kernel = &self.kernel;
        let run_id = |run: Index| lock(&ids.runs)[run];
        Ok(match *command {
            Command::Create { workflow, key, number, priority } => {
                let created = kernel.dispatch(create(workflow, key, number, priority)).await?;
                let run = ids.number(created.run_id);
                Response::Created { run, status: created.status }
            }
            Command::ClaimPending { limit, slots } => {
                let command = ClaimPendingRuns { worker_id: self.name(), limit, slots };
                let runs = kernel.dispatch(command).await?.claimed;
                let started = runs.into_iter().map(|run| (ids.number(run.run_id), self.hold(ids, run.jobs)));
                Response::Started(started.collect())
            }
            Command::ClaimJobs { limit } => {
                let claim = Claimant { worker_id: self.name(), lease: kernel.lease(), number: None };
                let definitions = kernel.registry().fingerprints();
                let jobs = kernel.store().claim_jobs(&claim, &definitions, limit).await?;
                Response::Claimed(self.hold(ids, jobs))
            }
            Command::Execute { run, stage, end } => {
                self.script.set(end);
                let run_id = run_id(run);
                let stage_id = self.stage_id(run_id, stage).await?;
                let command = ExecuteJob {
                    worker_id: self.name(),
                    run_id,
                    stage_key: stage_id.clone().into(),
                    idempotency_key: None,
                };
                let executed = kernel.dispatch(command).await?;
                Response::Outcome(self.outcome(run_id, &stage_id, &executed.outcome), Vec::new())
            }
            Command::Deliver { lease, end, room } => {
                self.script.set(end);
                let job = lock(&ids.leases)[lease].job.clone();
                let delivery = execute_job(kernel, &job, &self.name(), room).await?;
                self.delivered(ids, &job, delivery)
            }
            Command::HandBack { lease } => {
                let job = lock(&ids.leases)[lease].job.clone();
                let delivery = return_job(kernel, &job, &self.name()).await?;
                self.delivered(ids, &job, delivery)
            }
            Command::Renew => self.renew(ids).await?,
            Command::Reap { threshold_ms, gone } => {
                let dead_workers = if gone { lock(&ids.dead).clone() } else { Vec::new() };
                let stale_threshold = Duration::from_millis(threshold_ms);
                let reaped = kernel.dispatch(ReapStaleLeases { stale_threshold, dead_workers }).await?;
                Response::Reaped { released: reaped.released, failed: reaped.failed }
            }
            Command::Transition { run } => {
                let action = kernel.dispatch(TransitionRun { run_id: run_id(run) }).await?.action;
                Response::Transitioned(match action {
                    TransitionAction::Advanced => "advanced",
                    TransitionAction::Completed => "completed",
                    TransitionAction::Failed => "failed",
                    TransitionAction::Noop => "noop",
                })
            }
            Command::Cancel { run } => {
                let command = CancelRun { run_id: run_id(run), reason: Some("enough".into()) };
                Response::Cancelled(kernel.dispatch(command).await?.cancelled)
            }
            Command::Wake { run, stage } => {
                let run_id = run_id(run);
                let stage_id = self.stage_id(run_id, stage).await?;
                Response::Woken(
                    kernel.dispatch(WakeStage { run_id, stage_key: stage_id.into() }).await?.woken,
                )
            }
            Command::Signal { run, stage, key, payload } => {
                let run_id = run_id(run);
                let payload = Json::encode(&payload).expect("a number");
                let mut command = SignalRun::new(run_id, self.stage_id(run_id, stage).await?, payload);
                command.idempotency_key = key.map(|key| key.to_string());
                kernel.dispatch(command).await.map(|_| Response::Signalled)?
            }
            Command::Tick => {
                let ticked = kernel.dispatch(TickSchedules::default()).await?;
                Response::Ticked { started: ticked.started, moved: ticked.moved }
            }
            Command::FailOverdue { limit } => {
                let ended = kernel.dispatch(FailOverdueRuns { limit }).await?;
                Response::Overdue { failed: ended.failed, cancelled: ended.cancelled }
            }
            Command::Rerun { run, stage, key, dry } => self.rerun(run_id(run), stage, key, dry).await?,
            Command::Flush { limit, refused } => {
                *lock(&self.sink.refused) = refused.map(run_id);
                let command = FlushOutbox { worker_id: self.name(), limit, plugin: None };
                let flushed = kernel.dispatch(command).await?;
                Response::Flushed { published: flushed.published, refused: flushed.refused }
            }
            Command::Wait { .. } => Response::Waited,
        })
    }

    async fn rerun(
        &self,
        run_id: RunId,
        stage: Index,
        key: Option<u8>,
        dry_run: bool,
    ) -> Result<Response, Error> {
        let from_stage_id = self.stage_id(run_id, stage).await?;
        let idempotency_key = key.map(|key| key.to_string());
        let command = RerunFrom { run_id, from_stage_id, idempotency_key, dry_run };
        let rerun = self.kernel.dispatch(command).await?;
        Ok(Response::Rerun { generation: rerun.generation, stages: rerun.stages })
    }

    fn delivered(&self, ids: &IdMap, job: &ClaimedJob, delivery: ExecutedJob) -> Response {
        let outcome = self.outcome(job.lease.run_id, &job.lease.stage_key.id, &delivery.outcome);
        Response::Outcome(outcome, self.hold(ids, delivery.next))
    }

    async fn renew(&self, ids: &IdMap) -> Result<Response, Error> {
        let mine: Vec<(Index, Lease)> = lock(&ids.leases)
            .iter()
            .enumerate()
            .filter(|(_, held)| held.is_alive && held.process == self.number.0)
            .map(|(index, held)| (index, held.job.lease.clone()))
            .collect();
        if mine.is_empty() {
            return Ok(Response::Lost(Vec::new()));
        }
        let leases = mine.iter().map(|(_, lease)| lease.clone()).collect();
        let lost = self.kernel.store().renew_leases(leases, self.kernel.lease()).await?;
        let lost = mine.into_iter().filter(|(_, lease)| lost.contains(lease)).map(|(index, _)| index);
        Ok(Response::Lost(lost.collect()))
    }

    async fn stage_id(&self, run_id: RunId, stage: usize) -> Result<String, Error> {
        let run = self.kernel.store().run(run_id).await?.expect("a run of this case");
        let workflow = workflows::all().into_iter().find(|workflow| workflow.id == run.workflow_id);
        Ok(workflow.expect("a workflow of this test").stages[stage].id.clone())
    }

    /// Notes that the process has received these jobs.
    fn hold(&self, ids: &IdMap, jobs: Vec<ClaimedJob>) -> Vec<Claimed> {
        let claimed = jobs.iter().map(|job| ids.claimed(job)).collect();
        let held = jobs.into_iter().map(|job| Held { process: self.number.0, job, is_alive: true });
        lock(&ids.leases).extend(held);
        claimed
    }

    fn outcome(&self, run_id: RunId, stage_id: &str, outcome: &JobOutcome) -> Outcome {
        if !matches!(outcome, JobOutcome::Superseded { .. } | JobOutcome::HandedBack) {
            self.script.note_commit(run_id, stage_id);
        }
        match outcome {
            JobOutcome::Completed => Outcome::Completed,
            JobOutcome::Suspended { check_after } => {
                let after_ms =
                    u64::try_from(check_after.as_millis()).expect("the stages of this test wait for seconds");
                Outcome::Suspended { after_ms }
            }
            JobOutcome::Failed { retryable, .. } => Outcome::Failed { retryable: *retryable },
            JobOutcome::HandedBack => Outcome::HandedBack,
            JobOutcome::Superseded { .. } => Outcome::Superseded,
        }
    }
}

impl IdMap {
    /// Returns the number of a run, and assigns one to a new run.
    pub(super) fn number(&self, run_id: RunId) -> Index {
        let mut runs = lock(&self.runs);
        runs.iter().position(|ids| *ids == run_id).unwrap_or_else(|| {
            runs.push(run_id);
            runs.len() - 1
        })
    }

    fn claimed(&self, job: &ClaimedJob) -> Claimed {
        Claimed {
            run: self.number(job.lease.run_id),
            stage: job.lease.stage_key.id.clone(),
            generation: job.lease.generation,
            epoch: job.lease.epoch,
            attempt: job.attempt,
            crashes: job.crashes,
            is_poll: job.is_poll,
        }
    }
}

fn create(workflow: Index, key: Option<u8>, number: u64, priority: i32) -> CreateRun {
    let input = Json::parse(&format!("{{\"number\":{number}}}")).expect("valid JSON");
    let create = CreateRun::new(&workflows::all()[workflow].id, input).priority(priority);
    match key {
        Some(key) => create.idempotency_key(key.to_string()),
        None => create,
    }
}
