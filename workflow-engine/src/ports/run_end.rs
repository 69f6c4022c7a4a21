//! The end of a run without an output.

use crate::records::RunError;

/// The end of a run without an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// `FAILED`, with the error.
    Failed(RunError),
    /// `CANCELLED`, with the caller's reason.
    Cancelled(Option<String>),
}
