//! The commands, one file each, and their JSON form.

mod create_run;
mod claim_pending_runs;
mod execute_job;
mod poll_suspended_stages;
mod report_stage;
mod wake_stage;
mod signal_run;
mod transition_run;
mod cancel_run;
mod rerun_from;
mod raise_budget;
mod roll_up_costs;
mod attach_annotation;
mod reap_stale_leases;
mod reap_stuck_runs;
mod fail_overdue_runs;
mod fail_unclaimed_runs;
mod flush_outbox;
mod replay_dead_letters;
mod remove_subscriber;
mod purge_runs;
mod delete_run;
mod fork_run;
#[cfg(feature = "schedules")]
mod put_schedule;
#[cfg(feature = "schedules")]
mod delete_schedule;
#[cfg(feature = "schedules")]
mod pause_schedule;
#[cfg(feature = "schedules")]
mod trigger_schedule;
#[cfg(feature = "schedules")]
mod backfill_schedule;
#[cfg(feature = "schedules")]
mod tick_schedules;
mod json;

use async_trait::async_trait;

pub use attach_annotation::{AttachAnnotation, AttachAnnotationOutput};
#[cfg(feature = "schedules")]
pub use backfill_schedule::{BackfillSchedule, BackfillScheduleOutput, BackfilledTick};
pub use cancel_run::{CancelRun, CancelRunOutput};
pub(crate) use claim_pending_runs::start_pending;
pub use claim_pending_runs::{ClaimPendingRuns, ClaimPendingRunsOutput, ClaimedRun};
pub use create_run::{CreateRun, CreateRunOutput};
#[cfg(feature = "schedules")]
pub(in crate::kernel) use create_run::{Created, ScheduleMove};
pub use delete_run::{DeleteRun, DeleteRunOutput};
#[cfg(feature = "schedules")]
pub use delete_schedule::{DeleteSchedule, DeleteScheduleOutput};
pub(super) use execute_job::execute_job;
pub use execute_job::{ExecuteJob, ExecuteJobOutput};
pub use fail_overdue_runs::{FailOverdueRuns, FailOverdueRunsOutput};
pub use fail_unclaimed_runs::{FailUnclaimedRuns, FailUnclaimedRunsOutput};
pub use flush_outbox::{FlushOutbox, FlushOutboxOutput};
pub use fork_run::{ForkRun, ForkRunOutput};
pub(super) use json::dispatch_json;
#[cfg(feature = "schedules")]
pub use pause_schedule::{PauseSchedule, PauseScheduleOutput, ResumeSchedule, ResumeScheduleOutput};
pub(super) use poll_suspended_stages::poll_suspended;
pub use poll_suspended_stages::{PollSuspendedStages, PollSuspendedStagesOutput};
pub use purge_runs::{PurgeRuns, PurgeRunsOutput};
#[cfg(feature = "schedules")]
pub use put_schedule::{PutSchedule, PutScheduleOutput};
pub use raise_budget::{RaiseBudget, RaiseBudgetOutput};
pub use reap_stale_leases::{ReapStaleLeases, ReapStaleLeasesOutput};
pub use reap_stuck_runs::{ReapStuckRuns, ReapStuckRunsOutput};
pub use remove_subscriber::{RemoveSubscriber, RemoveSubscriberOutput};
pub use replay_dead_letters::{ReplayDeadLetters, ReplayDeadLettersOutput};
pub use report_stage::{ReportStage, ReportStageOutput, ReportedLog, ReportedProgress};
pub use rerun_from::{RerunFrom, RerunFromOutput};
pub use roll_up_costs::{RollUpCosts, RollUpCostsOutput};
pub use signal_run::{SignalRun, SignalRunOutput};
#[cfg(feature = "schedules")]
pub use tick_schedules::{TickSchedules, TickSchedulesOutput};
pub use transition_run::{TransitionAction, TransitionRun, TransitionRunOutput};
#[cfg(feature = "schedules")]
pub use trigger_schedule::{TriggerSchedule, TriggerScheduleOutput};
pub use wake_stage::{WakeStage, WakeStageOutput};

use super::Kernel;
use crate::error::Error;
use crate::records::Actor;
use crate::value::RunId;

/// A request to the kernel, with the type of its output.
#[async_trait]
pub trait Command: Send + 'static {
    /// The output.
    type Output: Send + 'static;

    /// The command's name, `run.create` for example. It is the scope of the command's idempotency keys.
    const NAME: &'static str;

    /// Loads, decides, commits and hints.
    ///
    /// # Errors
    /// As each command documents.
    async fn execute(self, kernel: &Kernel) -> Result<Self::Output, Error>;

    /// As [`Command::execute`], on behalf of an actor. A command that acts on a run keeps the action in its commit; the
    /// default keeps nothing.
    ///
    /// # Errors
    /// As [`Command::execute`].
    async fn execute_by(self, kernel: &Kernel, _by: &Actor) -> Result<Self::Output, Error>
    where
        Self: Sized,
    {
        self.execute(kernel).await
    }

    /// Returns the run on which the command acts, for the log of actions.
    fn run(&self) -> Option<RunId> {
        None
    }
}
