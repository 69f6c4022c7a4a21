//! One run, in the child and in the engine that finishes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use workflow_engine::kernel::{PollSuspendedStages, PurgeRuns, ReapStuckRuns, ReplayDeadLetters};
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::stores::{PostgresOptions, PostgresStore, SqliteStore};
use workflow_engine::{AnnotationFilter, EngineBuilder, Error, LogFilter, RunFilter};

use super::points::{Armed, Reaction, are_watched};
use super::ports::{BlobPoints, ExecutorPoints, SinkPoints};
use super::workflows::{FirstInput, chain, choosing, diamond, waiting};

/// The duration of leases.
pub const LEASE: Duration = Duration::from_millis(300);

/// Leases that outlast a scenario: a job that is lost stops its run.
const LONG_LEASE: Duration = Duration::from_secs(3_600);

/// The workflow of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Shape {
    /// `first >> long >> left`, with blobs in files.
    Chain,
    /// `first >> [left, right] >> last`, with blobs in the store and a sink that refuses once.
    Diamond,
    /// `first >> [request, left] >> last`.
    Waiting,
    /// `match first { even => left, odd => right } >> close`, in a child without the sink.
    Choosing,
}

impl Shape {
    /// All workflows.
    pub const ALL: [Self; 4] = [Self::Chain, Self::Diamond, Self::Waiting, Self::Choosing];

    /// Returns the output for `number`.
    pub fn expected(self, number: u64) -> u64 {
        match self {
            Self::Chain => 2 * number + 2,
            Self::Diamond | Self::Waiting => 3 * number + 1,
            Self::Choosing if number.is_multiple_of(2) => 2 * number,
            Self::Choosing => number + 1,
        }
    }

    /// Returns the stage that the run of `number` skips, if there is one.
    pub fn skipped(self, number: u64) -> Option<&'static str> {
        let skipped = if number.is_multiple_of(2) { "right" } else { "left" };
        (self == Self::Choosing).then_some(skipped)
    }

    /// Returns the ids of the stages that run for `number`, sorted.
    pub fn stages(self, number: u64) -> Vec<&'static str> {
        let definition = match self {
            Self::Chain => chain::definition(),
            Self::Diamond => diamond::definition(),
            Self::Waiting => waiting::definition(),
            Self::Choosing => choosing::definition(),
        };
        let mut stages: Vec<_> = definition.stages.iter().map(|stage| stage.id.as_str()).collect();
        stages.retain(|stage| Some(*stage) != self.skipped(number));
        stages.sort_unstable();
        stages
    }
}

/// The configuration of a child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChildConfig {
    /// A path, or the URL of a PostgreSQL database.
    pub database: String,
    /// The schema in a PostgreSQL database.
    pub schema: Option<String>,
    /// The folder of the ledger, the sink's file and blobs.
    pub folder: PathBuf,
    /// The workflow.
    pub shape: Shape,
    /// The number of the run, from which its key is derived.
    pub number: u64,
    /// The reaction, if any.
    pub armed: Option<Armed>,
}

impl ChildConfig {
    /// Returns the run's key.
    pub fn key(&self) -> String {
        format!("run-{}", self.number)
    }

    /// Opens the database.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self) -> Result<Arc<dyn Store>, Error> {
        Ok(match &self.schema {
            None => Arc::new(SqliteStore::open(&self.database).await?),
            Some(schema) => {
                let mut options = PostgresOptions::new(&self.database);
                options.schema.clone_from(schema);
                options.connections = 2;
                Arc::new(PostgresStore::open(options).await?)
            }
        })
    }

    /// Builds an engine over the database. As a program would, it tries again where the store is unavailable for a moment.
    ///
    /// # Errors
    /// When it cannot be built.
    pub async fn engine(&self, store: Arc<dyn Store>) -> Result<Engine, Error> {
        match self.build(Arc::clone(&store)).await {
            Err(error) if error.is_retryable() => self.build(store).await,
            built => built,
        }
    }

    async fn build(&self, store: Arc<dyn Store>) -> Result<Engine, Error> {
        let sink = SinkPoints {
            file: delivered(&self.folder),
            refuses: AtomicBool::new(self.shape == Shape::Diamond),
        };
        let builder = EngineBuilder::with_store(store, Arc::new(SystemClock))
            .register::<chain>()
            .register::<diamond>()
            .register::<waiting>()
            .register::<choosing>()
            .executor(ExecutorPoints)
            .inline_limit(16)
            .lease(self.lease());
        // A sink belongs to the store: it receives the events of a process without it, too.
        let lacks_sink = self.shape == Shape::Choosing && are_watched();
        let builder = if lacks_sink { builder } else { builder.event_sink(sink) };
        match self.shape {
            Shape::Chain => builder.blob_store(BlobPoints { folder: self.folder.clone() }).build().await,
            _ => builder.build().await,
        }
    }

    fn lease(&self) -> Duration {
        let is_within = |armed: &Armed| Reaction::WITHIN_PROCESS.contains(&armed.reaction);
        if self.armed.as_ref().is_some_and(is_within) { LONG_LEASE } else { LEASE }
    }

    /// Starts the run, unless it was started, and waits for its end; returns its output.
    ///
    /// # Errors
    /// The first error of any call of the engine.
    pub async fn run(&self, engine: &Engine) -> Result<u64, Error> {
        match self.shape {
            Shape::Chain => self.run_as::<chain>(engine).await,
            Shape::Diamond => self.run_as::<diamond>(engine).await,
            Shape::Waiting => self.run_as::<waiting>(engine).await,
            Shape::Choosing => self.run_as::<choosing>(engine).await,
        }
    }

    async fn run_as<W>(&self, engine: &Engine) -> Result<u64, Error>
    where
        W: Workflow<Input = FirstInput, Output = (String, u64)>,
    {
        let ledger = ledger(&self.folder).to_str().expect("a temporary path is text").to_owned();
        let input = FirstInput { ledger, number: self.number };
        let run = engine.start::<W>(input).idempotency_key(self.key()).await?;
        // The remote service has responded, and wakes the stage.
        let mut events = run.events();
        while let Some(event) = events.next().await {
            if let EventKind::StageSuspended { stage_id, .. } = event?.kind {
                engine.wake(run.id(), stage_id).await?;
            }
        }
        let (_, output) = run.output().await?;
        // Calls the remaining methods of the ports.
        run.input().await?;
        run.outputs().await?;
        let unfinished = RunFilter::new().workflow::<W>().unfinished();
        engine.runs(&unfinished).await?;
        engine.count_runs(&unfinished, 10).await?;
        run.log_history(&LogFilter::new()).await?;
        engine.kernel().store().tags(run.id()).await?;
        engine.kernel().store().stages(run.id()).await?;
        engine.kernel().store().logs(run.id(), 0, 100).await?;
        let all = AnnotationFilter::new();
        engine.kernel().store().annotations(run.id(), &all).await?;
        engine.kernel().store().annotations_of_key("noted", &all).await?;
        engine.kernel().store().artifacts(run.id(), None).await?;
        engine.kernel().store().artifact(run.id(), "first", "kept").await?;
        engine.dead_letters(None).limit(10).await?;
        engine.dispatch(ReplayDeadLetters { plugin: None, limit: 10 }).await?;
        let (worker_id, day) = ("visitor".to_owned(), Duration::from_secs(86_400));
        engine.dispatch(PollSuspendedStages { worker_id, limit: 1 }).await?;
        engine.dispatch(ReapStuckRuns { threshold: day }).await?;
        engine.kernel().store().unclaimed_runs(&[], day, 1).await?;
        engine.dispatch(PurgeRuns { older_than: day, limit: 1, include_undelivered: false }).await?;
        engine.kernel().store().oldest_end().await?;
        engine.kernel().store().forget_purged(Vec::new()).await?;
        Ok(output)
    }
}

/// Returns the file to which bodies append.
pub fn ledger(folder: &Path) -> PathBuf {
    folder.join("ledger.txt")
}

/// Returns the file to which the sink appends.
pub fn delivered(folder: &Path) -> PathBuf {
    folder.join("delivered.txt")
}
