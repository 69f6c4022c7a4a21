//! The status of a run, a stage or a job.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The status of a run, a stage or a job. ARCHITECTURE.md draws every transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Not started: a run without a claim, a stage that waits for predecessors or for a worker.
    Pending,
    /// In progress.
    Running,
    /// Waiting for something outside; for stages and their jobs.
    Suspended,
    /// Ended with an output.
    Completed,
    /// Ended without an output, after a failure.
    Failed,
    /// Cancelled by a caller, or because its run ended.
    Cancelled,
    /// Not run: a stage in an arm that was not taken, or after a failure in a `catch`.
    Skipped,
    /// A job whose last attempt has failed. It is kept for inspection.
    Dead,
}

impl Status {
    /// Returns whether the status is final: only a rerun changes it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped | Self::Dead)
    }

    /// Returns the stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Suspended => "SUSPENDED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Skipped => "SKIPPED",
            Self::Dead => "DEAD",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored status that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a status")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Ok(match text {
            "PENDING" => Self::Pending,
            "RUNNING" => Self::Running,
            "SUSPENDED" => Self::Suspended,
            "COMPLETED" => Self::Completed,
            "FAILED" => Self::Failed,
            "CANCELLED" => Self::Cancelled,
            "SKIPPED" => Self::Skipped,
            "DEAD" => Self::Dead,
            other => return Err(UnknownStatus(other.to_owned())),
        })
    }
}
