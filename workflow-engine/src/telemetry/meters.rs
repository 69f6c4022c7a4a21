//! The numbers of one engine, as its parts count them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counter::{COMMITS, Counter, Histogram, WORK};
use super::distribution::Distribution;
use super::measurements::{AttemptCounts, Measurements, StageMeasurements, WorkflowMeasurements};
use super::model_meters::ModelMeters;

/// The numbers that belong to no workflow.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) leases_lost: Counter,
    pub(crate) models: ModelMeters,
    commits: Histogram<{ COMMITS.len() }>,
}

impl Default for Meters {
    fn default() -> Self {
        let commits = Histogram::new(&COMMITS);
        Self { leases_lost: Counter::default(), models: ModelMeters::default(), commits }
    }
}

impl Meters {
    /// Counts a commit that took this long, from the request to the reply of the store.
    pub(crate) fn committed(&self, took: Duration) {
        self.commits.observe(took);
    }

    /// Returns a snapshot with the numbers of these workflows, without what others have to add.
    pub(crate) fn snapshot<'a>(&self, all: impl Iterator<Item = &'a WorkflowMeters>) -> Measurements {
        let mut workflows = BTreeMap::new();
        for meters in all {
            meters.add_to(&mut workflows);
        }
        Measurements {
            version: env!("CARGO_PKG_VERSION"),
            workflows: workflows.into_values().collect(),
            commit_seconds: self.commits.snapshot(),
            leases_lost: self.leases_lost.get(),
            slots: None,
            models: self.models.snapshot(),
            backlog: None,
        }
    }
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEndKind {
    Completed,
    Failed,
    Cancelled,
}

/// How an attempt of a stage, or a check, has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    Completed,
    Suspended,
    Retried,
    Failed,
    Returned,
    Superseded,
    Uncommitted,
}

impl AttemptOutcome {
    pub(crate) const ALL: [Self; 7] = [
        Self::Completed,
        Self::Suspended,
        Self::Retried,
        Self::Failed,
        Self::Returned,
        Self::Superseded,
        Self::Uncommitted,
    ];

    /// Returns the name in metrics and spans.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Suspended => "suspended",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::Superseded => "superseded",
            Self::Uncommitted => "uncommitted",
        }
    }

    /// Returns whether the attempt has failed.
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self, Self::Retried | Self::Failed | Self::Uncommitted)
    }
}

/// The numbers of one registered definition: its cells are looked up once, when it is registered.
#[derive(Debug)]
pub(crate) struct WorkflowMeters {
    workflow_id: String,
    pub(crate) runs_started: Counter,
    ends: [Counter; 3],
    run_time: Histogram<{ WORK.len() }>,
    queue_wait: Histogram<{ WORK.len() }>,
    /// In the order of the definition.
    stages: Vec<StageMeters>,
}

/// The numbers of one stage.
#[derive(Debug)]
pub(crate) struct StageMeters {
    stage_id: String,
    attempts: [Counter; AttemptOutcome::ALL.len()],
    checks: [Counter; AttemptOutcome::ALL.len()],
    pub(crate) time: Histogram<{ WORK.len() }>,
}

impl WorkflowMeters {
    pub(crate) fn new<'a>(workflow_id: &str, stage_ids: impl Iterator<Item = &'a str>) -> Self {
        let stage = |stage_id: &str| StageMeters {
            stage_id: stage_id.to_owned(),
            attempts: Default::default(),
            checks: Default::default(),
            time: Histogram::new(&WORK),
        };
        Self {
            workflow_id: workflow_id.to_owned(),
            runs_started: Counter::default(),
            ends: Default::default(),
            run_time: Histogram::new(&WORK),
            queue_wait: Histogram::new(&WORK),
            stages: stage_ids.map(stage).collect(),
        }
    }

    /// Returns the numbers of the stage at this position of the definition.
    pub(crate) fn stage(&self, index: usize) -> &StageMeters {
        &self.stages[index]
    }

    /// Counts the end of a run that took this long from its start, where it had one.
    pub(crate) fn ended(&self, end: RunEndKind, took: Option<Duration>) {
        self.ends[end as usize].increment();
        if let Some(took) = took {
            self.run_time.observe(took);
        }
    }

    /// Counts a claim of a job that had been due for this long.
    pub(crate) fn claimed(&self, waited: Duration) {
        self.queue_wait.observe(waited);
    }

    fn add_to(&self, workflows: &mut BTreeMap<String, WorkflowMeasurements>) {
        let entry = workflows.entry(self.workflow_id.clone()).or_insert_with(|| WorkflowMeasurements {
            workflow_id: self.workflow_id.clone(),
            runs_started: 0,
            runs_completed: 0,
            runs_failed: 0,
            runs_cancelled: 0,
            run_seconds: Distribution::default(),
            queue_wait_seconds: Distribution::default(),
            stages: Vec::new(),
        });
        entry.runs_started += self.runs_started.get();
        entry.runs_completed += self.ends[RunEndKind::Completed as usize].get();
        entry.runs_failed += self.ends[RunEndKind::Failed as usize].get();
        entry.runs_cancelled += self.ends[RunEndKind::Cancelled as usize].get();
        entry.run_seconds.merge(&self.run_time.snapshot());
        entry.queue_wait_seconds.merge(&self.queue_wait.snapshot());
        for stage in &self.stages {
            let own = stage.snapshot();
            // Versions of one workflow may share stages.
            match entry.stages.iter_mut().find(|known| known.stage_id == own.stage_id) {
                Some(known) => known.merge(&own),
                None => entry.stages.push(own),
            }
        }
    }
}

impl StageMeters {
    /// Counts the end of an attempt, or of a check.
    pub(crate) fn ended(&self, is_check: bool, outcome: AttemptOutcome) {
        let counters = if is_check { &self.checks } else { &self.attempts };
        counters[outcome as usize].increment();
    }

    fn snapshot(&self) -> StageMeasurements {
        StageMeasurements {
            stage_id: self.stage_id.clone(),
            attempts: counts(&self.attempts),
            checks: counts(&self.checks),
            seconds: self.time.snapshot(),
        }
    }
}

fn counts(counters: &[Counter; AttemptOutcome::ALL.len()]) -> AttemptCounts {
    let get = |outcome| counters[outcome as usize].get();
    AttemptCounts {
        completed: get(AttemptOutcome::Completed),
        suspended: get(AttemptOutcome::Suspended),
        retried: get(AttemptOutcome::Retried),
        failed: get(AttemptOutcome::Failed),
        returned: get(AttemptOutcome::Returned),
        superseded: get(AttemptOutcome::Superseded),
        uncommitted: get(AttemptOutcome::Uncommitted),
    }
}
