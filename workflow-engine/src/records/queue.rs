//! What the queue holds.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the queue holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct QueueOverview {
    /// All workflows together.
    pub total: QueueCounts,
    /// Each workflow that has something in the queue, by id.
    pub workflows: Vec<WorkflowQueue>,
    /// Whether the numbers are exact. Of each kind, the first 10,000 entries are counted.
    pub is_exact: bool,
}

/// What the queue holds of one workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct WorkflowQueue {
    /// The workflow's id.
    pub workflow_id: String,
    /// The numbers.
    #[serde(flatten)]
    pub counts: QueueCounts,
    /// The instant since which the oldest ready entry waits for a worker: of those that were counted.
    pub oldest_ready: Option<DateTime<Utc>>,
}

/// Numbers of entries of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct QueueCounts {
    /// Runs that wait for a worker to start them, and stages that wait for one to run them.
    pub ready: u64,
    /// Stages whose next attempt is due later, after a backoff; also those that wait for their budget.
    pub scheduled: u64,
    /// Stages that a worker holds.
    pub leased: u64,
    /// Stages that wait for something outside.
    pub waiting: u64,
    /// Stages that have failed, and their runs with them.
    pub dead: u64,
}

/// The kind of an entry of the queue, as a store counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueueKind {
    /// See [`QueueCounts::ready`].
    Ready,
    /// See [`QueueCounts::scheduled`].
    Scheduled,
    /// See [`QueueCounts::leased`].
    Leased,
    /// See [`QueueCounts::waiting`].
    Waiting,
    /// See [`QueueCounts::dead`].
    Dead,
}

impl QueueKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Scheduled, Self::Leased, Self::Waiting, Self::Dead];

    /// Returns the name in statements.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Leased => "leased",
            Self::Waiting => "waiting",
            Self::Dead => "dead",
        }
    }
}

impl QueueOverview {
    /// Adds entries of a workflow, the oldest of which waits since this instant. Entries of one kind that reach `cap` may
    /// be more.
    pub fn add(&mut self, workflow_id: &str, kind: QueueKind, count: u64, oldest: Option<DateTime<Utc>>) {
        let place = self.workflows.partition_point(|known| known.workflow_id.as_str() < workflow_id);
        if self.workflows.get(place).is_none_or(|known| known.workflow_id != workflow_id) {
            let workflow_id = workflow_id.to_owned();
            self.workflows.insert(place, WorkflowQueue { workflow_id, ..WorkflowQueue::default() });
        }
        let workflow = &mut self.workflows[place];
        for counts in [&mut workflow.counts, &mut self.total] {
            *match kind {
                QueueKind::Ready => &mut counts.ready,
                QueueKind::Scheduled => &mut counts.scheduled,
                QueueKind::Leased => &mut counts.leased,
                QueueKind::Waiting => &mut counts.waiting,
                QueueKind::Dead => &mut counts.dead,
            } += count;
        }
        if kind == QueueKind::Ready {
            workflow.oldest_ready = workflow.oldest_ready.into_iter().chain(oldest).min();
        }
    }
}
