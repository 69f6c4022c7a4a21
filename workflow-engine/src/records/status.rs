//! The one vocabulary of states.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The state of a run, a stage or a job. ARCHITECTURE.md draws every transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It has not begun: a run that nobody has claimed, a stage that waits for others or for a worker.
    Pending,
    /// It is under way.
    Running,
    /// A stage that waits for something outside.
    Suspended,
    /// It delivered.
    Completed,
    /// It ended without an output.
    Failed,
    /// Somebody ended it, or its run ended under it.
    Cancelled,
    /// Reserved.
    Skipped,
    /// A job whose last attempt has failed; kept for whoever asks why.
    Dead,
}

impl Status {
    /// Whether nothing but a rerun changes it any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped | Self::Dead)
    }

    /// The stored name.
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
