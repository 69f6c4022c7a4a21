//! What the commands ask of a store.

mod details;

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use workflow_engine::kernel::{AttachAnnotation, CreateRun, CreateRunOutput, RerunFromOutput, SignalRun};
use workflow_engine::records::{
    AnnotationRecord, AttemptRecord, DeadLetter, Event, LogRecord, RunRecord, StageRecord, Status,
};
use workflow_engine::{
    AnnotationFilter, AnyRun, Cost, Cursor, Engine, Error, Events, Json, List, LogFilter, Logs, Page,
    PendingApproval, RunCount, RunFilter, RunId, WorkflowVersion,
};

pub use details::{Blocked, RunDetails};

/// An open store.
#[derive(Clone, Debug)]
pub struct Api {
    engine: Engine,
}

impl Api {
    /// Asks the store of this engine.
    pub const fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Returns the engine.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    async fn any(&self, run_id: RunId) -> Result<AnyRun, Error> {
        self.engine.any_run(run_id).await
    }

    /// Starts a run.
    pub async fn start(&self, request: CreateRun) -> Result<CreateRunOutput, Error> {
        self.engine.dispatch(request).await
    }

    /// Returns one page of runs, newest first.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<RunRecord>, Error> {
        page(self.engine.runs(filter).limit(limit), after).await
    }

    /// Counts runs, at most ten thousand.
    pub async fn count(&self, filter: &RunFilter) -> Result<RunCount, Error> {
        self.engine.count_runs(filter, 10_000).await
    }

    /// Returns a run with its stages, its tags and the reason why it stands still.
    pub async fn details(&self, run_id: RunId) -> Result<RunDetails, Error> {
        RunDetails::read(&self.any(run_id).await?).await
    }

    /// Returns a run's record.
    pub async fn run(&self, run_id: RunId) -> Result<RunRecord, Error> {
        self.any(run_id).await?.record().await
    }

    /// Returns a run's stages.
    pub async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        self.any(run_id).await?.stages().await
    }

    /// Returns why a run stands still although it has not ended.
    pub async fn blocked(&self, run_id: RunId) -> Result<Option<Blocked>, Error> {
        let reason = self.any(run_id).await?.blocked_reason().await?;
        Ok(reason.map(|reason| Blocked::new(&reason)))
    }

    /// Returns a run's input.
    pub async fn input(&self, run_id: RunId) -> Result<Json, Error> {
        self.any(run_id).await?.input().await
    }

    /// Returns a run's configuration.
    pub async fn config(&self, run_id: RunId) -> Result<Json, Error> {
        self.any(run_id).await?.config().await
    }

    /// Returns a run's metadata.
    pub async fn metadata(&self, run_id: RunId) -> Result<Option<Json>, Error> {
        self.any(run_id).await?.metadata().await
    }

    /// Waits for a run's output.
    pub async fn output(&self, run_id: RunId) -> Result<Json, Error> {
        self.any(run_id).await?.output().await
    }

    /// Returns the outputs of the completed stages.
    pub async fn outputs(&self, run_id: RunId) -> Result<BTreeMap<String, Json>, Error> {
        self.any(run_id).await?.outputs().await
    }

    /// Returns the output of a stage.
    pub async fn stage_output(&self, run_id: RunId, stage_id: &str) -> Result<Option<Json>, Error> {
        self.any(run_id).await?.stage_output(stage_id).await
    }

    /// Returns the value of an artifact.
    pub async fn artifact(&self, run_id: RunId, stage_id: &str, key: &str) -> Result<Option<Json>, Error> {
        self.any(run_id).await?.artifact(stage_id, key).await
    }

    /// Follows a run's events.
    pub async fn events(&self, run_id: RunId, after: u64) -> Result<Events, Error> {
        Ok(self.any(run_id).await?.events_after(after))
    }

    /// Returns one page of a run's events, oldest first.
    pub async fn event_page(
        &self,
        run_id: RunId,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<Event>, Error> {
        page(self.any(run_id).await?.event_history().limit(limit), after).await
    }

    /// Follows a run's log.
    pub async fn logs(&self, run_id: RunId, after: u64) -> Result<Logs, Error> {
        Ok(self.any(run_id).await?.logs_after(after))
    }

    /// Returns one page of a run's log.
    pub async fn log_page(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<LogRecord>, Error> {
        page(self.any(run_id).await?.log_history(filter).limit(limit), after).await
    }

    /// Returns the attempts of a stage, in all generations.
    pub async fn attempts(&self, run_id: RunId, stage_id: &str) -> Result<Vec<AttemptRecord>, Error> {
        self.any(run_id).await?.attempts(stage_id).await
    }

    /// Returns the annotations of a run.
    pub async fn annotations(&self, run_id: RunId) -> Result<Vec<AnnotationRecord>, Error> {
        self.any(run_id).await?.annotations(&AnnotationFilter::new()).stream().try_collect().await
    }

    /// Cancels a run; `false` if it had ended.
    pub async fn cancel(&self, run_id: RunId, reason: &str) -> Result<bool, Error> {
        self.any(run_id).await?.cancel(reason).await
    }

    /// Runs a run again from a stage, or tells what would run.
    pub async fn rerun(
        &self,
        run_id: RunId,
        stage_id: &str,
        dry_run: bool,
    ) -> Result<RerunFromOutput, Error> {
        let rerun = self.any(run_id).await?.rerun_from(stage_id);
        if dry_run { rerun.dry_run().await } else { rerun.await }
    }

    /// Returns the first stage that has not completed: where a rerun begins unless the user names a stage.
    pub async fn first_open_stage(&self, run_id: RunId) -> Result<Option<String>, Error> {
        let stages = self.stages(run_id).await?;
        Ok(stages.into_iter().find(|stage| stage.status != Status::Completed).map(|stage| stage.stage_id))
    }

    /// Checks a waiting stage now; `false` if it does not wait.
    pub async fn wake(&self, run_id: RunId, stage_id: &str) -> Result<bool, Error> {
        self.any(run_id).await?.wake(stage_id).await
    }

    /// Sends a signal to a stage that waits for one.
    pub async fn signal(&self, request: SignalRun) -> Result<(), Error> {
        self.engine.dispatch(request).await.map(drop)
    }

    /// Returns one page of the stages that wait for a signal, by deadline.
    pub async fn approvals(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<PendingApproval>, Error> {
        page(self.engine.approvals().limit(limit), after).await
    }

    /// Raises the budget of a run or of one stage, and returns the number of stages that continue.
    pub async fn raise_budget(
        &self,
        run_id: RunId,
        stage_id: Option<&str>,
        budget: Cost,
    ) -> Result<usize, Error> {
        let run = self.any(run_id).await?;
        match stage_id {
            Some(stage_id) => run.raise_stage_budget(stage_id, budget).await,
            None => run.raise_budget(budget).await,
        }
    }

    /// Annotates a run or one of its stages.
    pub async fn annotate(&self, request: AttachAnnotation) -> Result<usize, Error> {
        Ok(self.engine.dispatch(request).await?.attached)
    }

    /// Returns the definitions in the store.
    pub async fn versions(&self) -> Result<Vec<WorkflowVersion>, Error> {
        self.engine.versions().await
    }

    /// Returns one page of dead letters.
    pub async fn dead_letters(
        &self,
        plugin: Option<&str>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, Error> {
        page(self.engine.dead_letters(plugin).limit(limit), after).await
    }

    /// Delivers dead letters again, and returns their number.
    pub async fn replay(&self, plugin: Option<&str>, limit: usize) -> Result<usize, Error> {
        self.engine.replay_dead_letters(plugin, limit).await
    }
}

async fn page<T: Send + 'static>(list: List<T>, after: Option<Cursor>) -> Result<Page<T>, Error> {
    match after {
        Some(after) => list.after(after).await,
        None => list.await,
    }
}
