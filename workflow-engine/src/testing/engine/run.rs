//! A run of a test: its state while it runs, and its result.

use std::marker::PhantomData;
use std::time::Duration;

use futures_util::StreamExt;

use super::log::log_of;
use super::world::World;
use crate::engine::RunHandle;
use crate::error::Error;
use crate::language::{HasStage, Stage, Workflow};
use crate::records::{Event, EventKind, RunRecord, StageRecord, Status};
use crate::stores::RecordedStatements;
use crate::value::RunId;

/// The result of a run.
#[non_exhaustive]
pub struct TestRun<W: Workflow> {
    /// The run's id.
    pub id: RunId,
    /// The output of the run, or the error that ended it.
    pub output: Result<W::Output, Error>,
    /// The outputs of all stages.
    pub outputs: W::Outputs,
    /// The events of the run, in order.
    pub events: Vec<Event>,
    /// The statements that stages have committed through `ctx.transaction()`, in the order of their commits. A test
    /// engine has no tables, so it records the statements and does not run them.
    pub statements: Vec<RecordedStatements>,
    /// The time from the creation of the run to its end, in virtual time.
    pub elapsed: Duration,
    log: String,
}

impl<W: Workflow> TestRun<W> {
    /// Reads the result of a run that has ended.
    pub(super) async fn read(world: &World, run: &RunHandle<W>) -> Result<Self, Error> {
        let record = run.record().await?;
        let end = record.completed_at.unwrap_or(record.created_at);
        let statements = world.memory.iter().flat_map(|memory| memory.recorded_statements());
        Ok(Self {
            id: run.id(),
            output: run.output().await,
            outputs: run.outputs().await?,
            events: run.events().filter_map(async |event| event.ok()).collect().await,
            statements: statements.filter(|statements| statements.run_id == run.id()).collect(),
            elapsed: (end - record.created_at).to_std().unwrap_or_default(),
            log: log_of(&**world.store(), &[run.id()], record.created_at).await,
        })
    }

    /// Returns the number of attempts of a stage that have started.
    #[must_use]
    pub fn attempts<S: Stage>(&self) -> usize
    where
        W: HasStage<S>,
    {
        let is_start = |kind: &EventKind| matches!(kind, EventKind::StageStarted { stage_id, .. } if stage_id == S::DECLARATION.id);
        self.events.iter().filter(|event| is_start(&event.kind)).count()
    }

    /// Returns what happened, a line for each event and each log line, with the virtual time since the creation of the
    /// run. It contains no ids, so it is the same each time, and suits `expect-test` or another tool for snapshots.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }
}

/// The state of a run, for the condition of [`TestEngine::run_until`](super::TestEngine::run_until).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunState<W: Workflow> {
    /// The run.
    pub record: RunRecord,
    /// Its stages in reading order; none before the run has started.
    pub stages: Vec<StageRecord>,
    /// The time since the creation of the run, in virtual time.
    pub elapsed: Duration,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> RunState<W> {
    pub(super) async fn read(world: &World, run_id: RunId) -> Result<Self, Error> {
        let record = world.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let mut stages = world.store().stages(run_id).await?;
        stages.sort_by_key(|stage| stage.stage_number);
        let elapsed = (world.time.now() - record.created_at).to_std().unwrap_or_default();
        Ok(Self { record, stages, elapsed, workflow: PhantomData })
    }

    /// Returns a stage; `None` before the run has started.
    #[must_use]
    pub fn stage<S: Stage>(&self) -> Option<&StageRecord>
    where
        W: HasStage<S>,
    {
        self.stages.iter().find(|stage| stage.stage_id == S::DECLARATION.id)
    }

    /// Returns whether a stage waits for its check.
    #[must_use]
    pub fn is_waiting<S: Stage>(&self) -> bool
    where
        W: HasStage<S>,
    {
        self.has_status::<S>(Status::Suspended)
    }

    /// Returns whether the body of a stage runs.
    #[must_use]
    pub fn is_running<S: Stage>(&self) -> bool
    where
        W: HasStage<S>,
    {
        self.has_status::<S>(Status::Running)
    }

    /// Returns whether a stage has completed.
    #[must_use]
    pub fn has_completed<S: Stage>(&self) -> bool
    where
        W: HasStage<S>,
    {
        self.has_status::<S>(Status::Completed)
    }

    fn has_status<S: Stage>(&self, status: Status) -> bool
    where
        W: HasStage<S>,
    {
        self.stage::<S>().is_some_and(|stage| stage.status == status)
    }
}
