//! What the kernel counts: commits, ends of runs, and outcomes of attempts.

use std::sync::Arc;

use super::Kernel;
use super::attempt::JobOutcome;
use crate::error::Error;
use crate::ports::{Applied, Commit, Decision};
use crate::records::Status;
use crate::telemetry::{AttemptOutcome, RunEndKind, WorkflowMeters};

impl Kernel {
    /// Commits a decision, and counts how long the store took.
    pub(super) async fn commit_measured(&self, decision: Arc<Decision>) -> Result<Commit, Error> {
        let began = self.clock().monotonic();
        let commit = self.store().commit_shared(decision).await;
        if commit.is_ok() {
            self.meters().committed(self.clock().monotonic().saturating_sub(began));
        }
        commit
    }

    /// Counts the end of a run whose definition is registered: the labels of metrics are registered names.
    pub(super) fn count_end(&self, fingerprint: &str, applied: &Applied) {
        if let Some(registered) = self.registry().by_fingerprint(fingerprint) {
            count_end(registered.meters(), applied);
        }
    }
}

/// Counts the end of a run of this workflow, where the commit has ended it.
pub(super) fn count_end(meters: &WorkflowMeters, applied: &Applied) {
    let end = match applied.ended {
        Some(Status::Completed) => RunEndKind::Completed,
        Some(Status::Cancelled) => RunEndKind::Cancelled,
        Some(_) => RunEndKind::Failed,
        None => return,
    };
    meters.ended(end, applied.run_time);
}

/// Returns the outcome of an attempt as it is counted.
pub(super) fn outcome<T>(finished: &Result<T, Error>, of: fn(&T) -> &JobOutcome) -> AttemptOutcome {
    let Ok(finished) = finished else { return AttemptOutcome::Uncommitted };
    match of(finished) {
        JobOutcome::Completed => AttemptOutcome::Completed,
        JobOutcome::Suspended { .. } => AttemptOutcome::Suspended,
        JobOutcome::Failed { retryable: true, .. } => AttemptOutcome::Retried,
        JobOutcome::Failed { retryable: false, .. } => AttemptOutcome::Failed,
        JobOutcome::HandedBack => AttemptOutcome::Returned,
        JobOutcome::Superseded { .. } => AttemptOutcome::Superseded,
    }
}
