//! What a run does now, in more detail than its status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunRecord, Status};

/// What a run does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// No worker has claimed it.
    Queued,
    /// A stage is ready or running.
    Running,
    /// Every open stage waits for something outside.
    Waiting,
    /// It has an output.
    Completed,
    /// A stage has failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// What a run, or one of its stages, waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitingFor {
    /// A worker: the run or one of its stages is in the queue, and is due.
    Worker,
    /// A check, which asks whether something outside is ready.
    Check,
    /// A signal, such as an approval.
    Signal,
    /// The end of a run that the stage has started.
    Child,
    /// An instant: the run starts later, or the stage follows a delay.
    Time,
    /// The next attempt, which is due later.
    Retry,
    /// A higher budget.
    Budget,
}

impl Phase {
    /// Returns the status that every run of this phase has.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Queued => Status::Pending,
            Self::Running | Self::Waiting => Status::Running,
            Self::Completed => Status::Completed,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

impl RunRecord {
    /// Returns what the run does now.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self.status {
            Status::Pending => Phase::Queued,
            Status::Completed => Phase::Completed,
            Status::Failed => Phase::Failed,
            Status::Cancelled => Phase::Cancelled,
            _ if self.active == 0 && self.suspended > 0 => Phase::Waiting,
            _ => Phase::Running,
        }
    }
}
