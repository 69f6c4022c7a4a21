//! One run, in the child and in the engine that finishes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use workflow_engine::DeadLetterFilter;
use workflow_engine::kernel::{PollSuspendedStages, PurgeRuns, ReapStuckRuns, ReplayDeadLetters};
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::stores::{PostgresOptions, PostgresStore, SqliteStore};
use workflow_engine::{AnnotationFilter, EngineBuilder, Error, LogFilter, RunFilter};

use super::points::{Armed, Reaction, are_watched};
use super::ports::{BlobPoints, ExecutorPoints, PluginPoints, SinkPoints};
use super::workflows::{
    Bookings, FirstInput, HoldInput, asking, booking, catching, chain, choosing, diamond, doubling, expiring,
    held, later, nesting, short, waiting,
};
use super::{schedule, times};

/// The duration of leases.
pub const LEASE: Duration = Duration::from_millis(300);

/// The duration of leases that no live process loses on a busy machine.
const STEADY_LEASE: Duration = Duration::from_secs(10);

/// The number of jobs that a crowd holds: more than are taken back at once.
pub const CROWD: usize = 300;

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
    /// `first >> match catch(even) { Ok => left, Err => rescue } >> close`.
    Catching,
    /// `first >> doubling >> close`, where `doubling` is a workflow.
    Nesting,
    /// `first >> debit >> credit`, with statements on the table of the bookings.
    Booking,
    /// `first >> left`, started by the tick of a schedule.
    Scheduled,
    /// `first >> ask >> confirm`: two signals at once during the wait.
    Asking,
    /// `first >> hear >> match catch(expire) { Ok => left, Err => late } >> close`: two signals before a short wait.
    Early,
    /// As `Early`, without a signal before the wait times out.
    Expiring,
    /// `first >> delay >> left`, in a run that starts later.
    Later,
    /// `first >> left`, with a sink and a plugin under long leases; in databases of its own.
    Delivering,
    /// Many runs of `hold`, which end only in the engine that takes over; in databases of their own.
    Crowd,
}

impl Shape {
    /// The workflows that are executed one after the other in one database.
    pub const ALL: [Self; 12] = [
        Self::Chain,
        Self::Diamond,
        Self::Waiting,
        Self::Choosing,
        Self::Catching,
        Self::Nesting,
        Self::Booking,
        Self::Asking,
        Self::Early,
        Self::Expiring,
        Self::Later,
        Self::Scheduled,
    ];

    /// Returns the output for `number`.
    pub fn expected(self, number: u64) -> u64 {
        match self {
            Self::Chain => 2 * number + 2,
            Self::Diamond | Self::Waiting => 3 * number + 1,
            Self::Choosing | Self::Catching if number.is_multiple_of(2) => 2 * number,
            Self::Choosing | Self::Catching | Self::Expiring => number + 1,
            Self::Booking => number + 2,
            Self::Nesting | Self::Delivering | Self::Early | Self::Later | Self::Scheduled => 2 * number,
            Self::Crowd | Self::Asking => number,
        }
    }

    /// Returns the stage that the run of `number` skips, if there is one.
    pub fn skipped(self, number: u64) -> Option<&'static str> {
        match self {
            Self::Choosing | Self::Catching if !number.is_multiple_of(2) => Some("left"),
            Self::Choosing => Some("right"),
            Self::Catching => Some("rescue"),
            Self::Early => Some("late"),
            Self::Expiring => Some("left"),
            _ => None,
        }
    }

    /// Returns the stage of the run of `number` whose failure is caught, if there is one.
    pub fn failed(self, number: u64) -> Option<&'static str> {
        match self {
            Self::Catching if !number.is_multiple_of(2) => Some("even"),
            Self::Expiring => Some("expire"),
            _ => None,
        }
    }

    /// Returns the stages that make a booking.
    pub const fn booked(self) -> &'static [&'static str] {
        if matches!(self, Self::Booking) { &["credit", "debit"] } else { &[] }
    }

    /// Returns the number of runs that the run starts.
    pub const fn children(self) -> usize {
        matches!(self, Self::Nesting) as usize
    }

    /// Returns the ids of the stages that run for `number`, sorted.
    pub fn stages(self, number: u64) -> Vec<&'static str> {
        let definition = match self {
            Self::Chain => chain::definition(),
            Self::Diamond => diamond::definition(),
            Self::Waiting => waiting::definition(),
            Self::Choosing => choosing::definition(),
            Self::Catching => catching::definition(),
            Self::Nesting => nesting::definition(),
            Self::Booking => booking::definition(),
            Self::Delivering | Self::Scheduled => short::definition(),
            Self::Crowd => held::definition(),
            Self::Asking => asking::definition(),
            Self::Early | Self::Expiring => expiring::definition(),
            Self::Later => later::definition(),
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
        match self.shape {
            Shape::Scheduled => schedule::key(self.number),
            _ => format!("run-{}", self.number),
        }
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
        self.builder(store).build().await
    }

    /// Returns the builder of the engine.
    pub fn builder(&self, store: Arc<dyn Store>) -> EngineBuilder {
        let sink = SinkPoints {
            file: delivered(&self.folder),
            refuses: AtomicBool::new(self.shape == Shape::Diamond),
        };
        let mut builder = EngineBuilder::with_store(store, Arc::new(SystemClock))
            .register::<chain>()
            .register::<diamond>()
            .register::<waiting>()
            .register::<choosing>()
            .register::<catching>()
            .register::<nesting>()
            .register::<doubling>()
            .register::<booking>()
            .register::<short>()
            .register::<held>()
            .register::<asking>()
            .register::<expiring>()
            .register::<later>()
            .state(Bookings(self.bookings()))
            .executor(ExecutorPoints)
            .inline_limit(16)
            .lease(self.lease());
        // A sink belongs to the store: it receives the events of a process without it, too.
        if self.shape != Shape::Choosing || !are_watched() {
            builder = builder.event_sink(sink);
        }
        if self.reaction().is_some_and(Reaction::is_unseen) && are_watched() {
            // Nothing is known of the process of a worker with a chosen name.
            builder = builder.worker_id(self.worker());
        }
        match self.shape {
            Shape::Delivering => builder.plugin(PluginPoints { file: handled(&self.folder) }),
            Shape::Crowd => builder.concurrency(2 * CROWD),
            Shape::Chain => builder.blob_store(BlobPoints { folder: self.folder.clone() }),
            _ => builder,
        }
    }

    fn lease(&self) -> Duration {
        if matches!(self.shape, Shape::Delivering | Shape::Crowd) {
            return LONG_LEASE;
        }
        match self.reaction() {
            Some(reaction) if Reaction::WITHIN_PROCESS.contains(&reaction) => LONG_LEASE,
            Some(reaction) if reaction.is_steady() => STEADY_LEASE,
            _ => LEASE,
        }
    }

    /// Returns the reaction, if any.
    pub fn reaction(&self) -> Option<Reaction> {
        self.armed.as_ref().map(|armed| armed.reaction)
    }

    /// Returns the name of the worker of a child whose process nothing is known of.
    pub fn worker(&self) -> String {
        format!("unseen {}", self.number)
    }

    /// Returns the full name of the table of the bookings.
    pub fn bookings(&self) -> String {
        self.schema.as_ref().map_or("bookings".to_owned(), |schema| format!("{schema}.bookings"))
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
            Shape::Catching => self.run_as::<catching>(engine).await,
            Shape::Nesting => self.run_as::<nesting>(engine).await,
            Shape::Booking => self.run_as::<booking>(engine).await,
            Shape::Delivering => self.run_as::<short>(engine).await,
            Shape::Scheduled => {
                let run_id = schedule::tick(engine, self.number, self.input()).await?;
                self.finish(engine, engine.run_handle::<short>(run_id).await?).await
            }
            Shape::Asking => times::ask(self, engine).await,
            Shape::Early | Shape::Expiring => times::expire(self, engine).await,
            Shape::Later => times::start_later(self, engine).await,
            Shape::Crowd if are_watched() => std::future::pending().await,
            Shape::Crowd => self.run_crowd(engine).await,
        }
    }

    /// Starts the runs of a crowd, unless they were started.
    ///
    /// # Errors
    /// The first error of a start.
    pub async fn start_crowd(&self, engine: &Engine) -> Result<Vec<RunHandle<held>>, Error> {
        let ledger = ledger(&self.folder).to_str().expect("a temporary path is text").to_owned();
        let starts = (0_u64..).take(CROWD).map(|place| {
            let input = HoldInput { ledger: ledger.clone(), number: place };
            engine.start::<held>(input).idempotency_key(format!("{} {place}", self.key())).into_future()
        });
        try_join_all(starts).await
    }

    async fn run_crowd(&self, engine: &Engine) -> Result<u64, Error> {
        for (place, run) in (0..).zip(self.start_crowd(engine).await?) {
            assert_eq!(run.output().await?.1, place, "each run returns its own number");
        }
        Ok(self.number)
    }

    async fn run_as<W>(&self, engine: &Engine) -> Result<u64, Error>
    where
        W: Workflow<Input = FirstInput, Output = (String, u64)>,
    {
        let run = engine.start::<W>(self.input()).idempotency_key(self.key()).await?;
        self.finish(engine, run).await
    }

    async fn finish<W>(&self, engine: &Engine, run: RunHandle<W>) -> Result<u64, Error>
    where
        W: Workflow<Input = FirstInput, Output = (String, u64)>,
    {
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
        engine.kernel().store().artifact(run.id(), &"first".into(), "kept").await?;
        engine.dead_letters(None).limit(10).await?;
        engine.dispatch(ReplayDeadLetters::new(DeadLetterFilter::new(), 10)).await?;
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

/// Returns the file to which the plugin appends.
pub fn handled(folder: &Path) -> PathBuf {
    folder.join("handled.txt")
}

/// Returns the file to which the sink appends.
pub fn delivered(folder: &Path) -> PathBuf {
    folder.join("delivered.txt")
}
