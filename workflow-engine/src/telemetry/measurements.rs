//! A snapshot of what an engine has measured.

use serde::Serialize;

use super::backlog::BacklogMeasurements;
use super::distribution::Distribution;
use crate::value::Cost;

/// What an engine has measured since it was built, from [`Engine::measurements`](crate::Engine::measurements).
///
/// The numbers are those of this process; only [`backlog`](Self::backlog) is about the store. Labels are names that the
/// program has registered (workflows, stages, models, subscribers): no input, no key and no text of an error is in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measurements {
    /// The version of the engine.
    pub version: &'static str,
    /// The registered workflows, by id; all versions of a workflow together.
    pub workflows: Vec<WorkflowMeasurements>,
    /// How long commits took, from the request to the reply of the store. Commits that waited for each other are counted
    /// apart.
    pub commit_seconds: Distribution,
    /// The leases that this process took back from workers that died or did not renew them. Of one lost lease, one
    /// process counts.
    pub leases_lost: u64,
    /// The slots of the worker; `None` without one.
    pub slots: Option<SlotMeasurements>,
    /// The models that were called, by key. After 200 models, `other` stands for all further ones.
    pub models: Vec<ModelMeasurements>,
    /// What waits in the store; `None` where it could not be read within 2 seconds.
    pub backlog: Option<BacklogMeasurements>,
}

/// The numbers of one workflow.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WorkflowMeasurements {
    /// The workflow's id.
    pub workflow_id: String,
    /// The runs that this process has created.
    pub runs_started: u64,
    /// The runs that have completed in this process.
    pub runs_completed: u64,
    /// The runs that have failed in this process.
    pub runs_failed: u64,
    /// The runs that this process has cancelled.
    pub runs_cancelled: u64,
    /// How long runs took from their start, or from that of their last rerun, to their end.
    pub run_seconds: Distribution,
    /// How long jobs were due until this process claimed them. A stage that continues without passing through the queue
    /// waited for 0 seconds.
    pub queue_wait_seconds: Distribution,
    /// The stages, in the order of the workflow.
    pub stages: Vec<StageMeasurements>,
}

/// The numbers of one stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StageMeasurements {
    /// The stage's id.
    pub stage_id: String,
    /// The attempts of its function, by outcome.
    pub attempts: AttemptCounts,
    /// The checks of a stage that waits, by outcome.
    pub checks: AttemptCounts,
    /// How long its function took, and each check.
    pub seconds: Distribution,
}

impl StageMeasurements {
    pub(super) fn merge(&mut self, other: &Self) {
        self.attempts.merge(&other.attempts);
        self.checks.merge(&other.checks);
        self.seconds.merge(&other.seconds);
    }
}

/// Numbers of attempts, or of checks, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttemptCounts {
    /// The output is committed.
    pub completed: u64,
    /// The stage waits for something outside.
    pub suspended: u64,
    /// The attempt failed, and another one follows.
    pub retried: u64,
    /// The attempt failed, and the run with it.
    pub failed: u64,
    /// The job went back to the queue, and the attempt does not count: the worker stops, or a port was unavailable.
    pub returned: u64,
    /// The result came too late: the lease was lost, or the run had ended.
    pub superseded: u64,
    /// The outcome could not be committed; the job runs again when its lease has expired.
    pub uncommitted: u64,
}

impl AttemptCounts {
    fn merge(&mut self, other: &Self) {
        self.completed += other.completed;
        self.suspended += other.suspended;
        self.retried += other.retried;
        self.failed += other.failed;
        self.returned += other.returned;
        self.superseded += other.superseded;
        self.uncommitted += other.uncommitted;
    }

    /// Returns the numbers with the names of their outcomes.
    pub(super) const fn by_outcome(&self) -> [(&'static str, u64); 7] {
        [
            ("completed", self.completed),
            ("suspended", self.suspended),
            ("retried", self.retried),
            ("failed", self.failed),
            ("returned", self.returned),
            ("superseded", self.superseded),
            ("uncommitted", self.uncommitted),
        ]
    }
}

/// The slots of a worker: as many as bodies may run at the same time. Where it holds more jobs than that, because its
/// bodies are short, all of them are busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SlotMeasurements {
    /// The slots of jobs that the worker holds or is about to claim.
    pub busy: u64,
    /// The free slots.
    pub free: u64,
}

impl SlotMeasurements {
    pub(crate) const fn new(busy: u64, free: u64) -> Self {
        Self { busy, free }
    }
}

/// The calls of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelMeasurements {
    /// The key under which the model is registered.
    pub model: String,
    /// The calls that the provider served.
    pub settled: u64,
    /// The calls that the provider refused, at no cost.
    pub failed: u64,
    /// The calls that the provider may have served and charged.
    pub unknown: u64,
    /// The tokens of the prompts.
    pub input_tokens: u64,
    /// The tokens of the responses.
    pub output_tokens: u64,
    /// The cost of the served calls.
    pub cost: Cost,
}
