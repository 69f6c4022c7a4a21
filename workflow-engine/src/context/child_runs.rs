//! The runs that a stage starts, as its context reaches them.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::effects::ChildRun;
use super::stage_error::{StageError, StageResult};
use crate::value::{Json, RunId};

/// Checks the runs that a stage starts, and reads how they have ended.
pub(crate) trait ChildRuns: Send + Sync {
    /// Checks a run that the stage starts, and adds what it has from its parent.
    fn check(&self, child: ChildRun) -> BoxFuture<'_, StageResult<CheckedChild>>;

    /// Returns the state of a run that the stage has started. Its output is read as that of a run of this version of the
    /// workflow: the process need not have the one with which the run was created.
    fn outcome(
        &self,
        run_id: RunId,
        workflow_id: &'static str,
        version: u32,
    ) -> BoxFuture<'_, StageResult<ChildOutcome>>;
}

/// A run that a stage may start.
#[derive(Clone, Debug)]
pub(crate) enum CheckedChild {
    /// A new run.
    New(ChildRun),
    /// An earlier request with the same idempotency key has created this run.
    Existing(RunId),
}

/// The state of a run that a stage has started.
#[derive(Clone, Debug)]
pub(crate) enum ChildOutcome {
    /// It has not ended.
    Open,
    /// It has completed, with the stored values of its output.
    Completed(Vec<Json>),
    /// It has failed or was cancelled, or does not exist any more: the error of the stage that waits for it.
    Failed(StageError),
}

/// A context without an engine, in which every run can be started and none has ended.
pub(crate) struct NoChildRuns;

impl ChildRuns for NoChildRuns {
    fn check(&self, child: ChildRun) -> BoxFuture<'_, StageResult<CheckedChild>> {
        ready(Ok(CheckedChild::New(child))).boxed()
    }

    fn outcome(&self, _: RunId, _: &'static str, _: u32) -> BoxFuture<'_, StageResult<ChildOutcome>> {
        ready(Ok(ChildOutcome::Open)).boxed()
    }
}
