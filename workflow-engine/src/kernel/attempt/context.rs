//! The context of one attempt: the claimed job, its definition, and the host that runs it.

use tokio_util::sync::CancellationToken;

use crate::definition::{StageDefinition, StageSettings};
use crate::kernel::Kernel;
use crate::kernel::registry::Registered;
use crate::kernel::running_jobs::RunningJob;
use crate::kernel::slots::Slots;
use crate::records::{Claimant, ClaimedJob, Lease};
use crate::telemetry::StageMeters;

/// One attempt of a stage.
pub(super) struct AttemptContext<'a> {
    pub(super) kernel: &'a Kernel,
    /// The workflow that the run is executed against.
    pub(super) registered: &'a Registered,
    pub(super) stage: &'static StageDefinition,
    /// The limits of the stage in this run.
    pub(super) settings: StageSettings,
    /// What this process counts of the stage.
    pub(super) meters: &'a StageMeters,
    pub(super) job: &'a ClaimedJob,
    /// The claimant of this job, and of the successors that its commit claims.
    pub(super) claimant: &'a Claimant,
    /// The host's slots for successors.
    pub(super) slots: &'a dyn Slots,
    /// The job in the list of those that run in this process.
    pub(super) listed: &'a RunningJob,
    /// Cancelled when the run has ended, the lease is lost, or the host stops.
    pub(super) stop: &'a CancellationToken,
}

impl<'a> AttemptContext<'a> {
    pub(super) const fn lease(&self) -> &'a Lease {
        &self.job.lease
    }

    /// Returns the number of the last attempt that may fail. An attempt that does not count raises it in the job. The
    /// queue may allow more attempts than the run's configuration.
    pub(super) fn last_attempt(&self) -> u32 {
        let queued = self.job.max_attempts;
        let uncounted = queued.saturating_sub(self.stage.retry.max_attempts);
        queued.min(self.settings.retry.max_attempts.saturating_add(uncounted))
    }
}
