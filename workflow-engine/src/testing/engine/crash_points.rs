//! Runs with one crash at each commit point.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::crashing_store::{CrashingStore, Moment};
use super::deliveries::ObservedPlugin;
use super::faults::Faults;
use super::setup::Setup;
use super::virtual_time::VirtualTime;
use super::world::World;
use crate::error::{Error, ErrorCode};
use crate::language::Workflow;
use crate::ports::Store;
use crate::records::{Event, EventKind};
use crate::stores::{MemoryStore, RecordedStatements};
use crate::value::{Json, RunId};

/// The idempotency key of the run. The second process starts the run again, because it cannot tell whether it was
/// started.
const KEY: &str = "crash-everywhere";

/// The runs of one workflow that crash.
pub(super) struct CrashTest<'a, W: Workflow> {
    setup: &'a Setup,
    faults: &'a Faults,
    config: Option<Json>,
    workflow: std::marker::PhantomData<fn() -> W>,
}

/// The crash of a run: the number of its commit, and the moment.
pub(super) type Crash = Option<(usize, Moment)>;

/// A run that has ended.
pub(super) struct CrashedRun<W: Workflow> {
    /// The number of commits of its first process.
    pub(super) commits: usize,
    /// The output; `None` where the crash was the last one that a stage allows.
    pub(super) output: Option<W::Output>,
    /// The crash, for messages.
    pub(super) crash: String,
}

impl<'a, W: Workflow> CrashTest<'a, W> {
    pub(super) const fn new(setup: &'a Setup, faults: &'a Faults, config: Option<Json>) -> Self {
        Self { setup, faults, config, workflow: std::marker::PhantomData }
    }

    /// Runs the workflow with each crash on stores in memory.
    pub(super) async fn in_memory(&self, input: impl Fn() -> W::Input, check: impl Fn(W::Output)) -> usize {
        each_crash(async |crash| {
            let time = VirtualTime::new();
            let memory = Arc::new(MemoryStore::new(time.clock()).record_statements());
            let store: Arc<dyn Store> = Arc::clone(&memory) as _;
            let run = self.one_run(&time, input(), crash, [&store, &store]).await;
            if let Some(output) = run.output {
                checked(catch_unwind(AssertUnwindSafe(|| check(output))), &run.crash);
            }
            assert_statements_committed_once::<W>(&memory.recorded_statements(), &run.crash);
            run.commits
        })
        .await
    }

    /// Executes one run with one crash, on the first of the stores before it and on the second one after it.
    pub(super) async fn one_run(
        &self,
        time: &VirtualTime,
        input: W::Input,
        crash: Crash,
        [store, store_after]: [&Arc<dyn Store>; 2],
    ) -> CrashedRun<W> {
        let faults = self.faults.copy();
        let observed: Vec<ObservedPlugin> = self.setup.plugins.iter().map(ObservedPlugin::new).collect();
        let mut setup = self.setup.clone();
        setup.plugins = observed.iter().map(|plugin| Arc::new(plugin.clone()) as _).collect();
        let input =
            Json::store(&input).unwrap_or_else(|error| panic!("the input cannot be encoded: {error}"));

        let first = Arc::new(CrashingStore::new(Arc::clone(store), time.clock(), crash));
        let crashing: Arc<dyn Store> = Arc::clone(&first) as _;
        let mut world = self.process(&setup, &faults, &crashing, time).await;
        let ended = self.run_to_end(&mut world, &input).await;
        let run_id = match (ended, crash) {
            (Ok(run_id), _) => run_id,
            (Err(error), None) => panic!("without a crash: {error}"),
            // The second process shares only the key with the first one.
            (Err(_), Some(_)) => {
                drop(world);
                faults.restart();
                world = self.process(&setup, &faults, store_after, time).await;
                world.crash = first.describe();
                let ended = self.run_to_end(&mut world, &input).await;
                ended.unwrap_or_else(|error| panic!("{}{error}", first.describe()))
            }
        };
        let crash = first.describe();
        let checked = self.check(&world, run_id, &observed, &crash).await;
        let output = checked.unwrap_or_else(|error| panic!("{crash}{error}"));
        CrashedRun { commits: first.commits(), output, crash }
    }

    async fn process(
        &self,
        setup: &Setup,
        faults: &Faults,
        store: &Arc<dyn Store>,
        time: &VirtualTime,
    ) -> World {
        let world = World::new(setup, faults, store, time).await;
        world.unwrap_or_else(|error| panic!("the engine cannot be built: {error}"))
    }

    /// Starts the run under its key, drives it to its end, and delivers its events.
    async fn run_to_end(&self, world: &mut World, input: &Json) -> Result<RunId, Error> {
        let input: W::Input =
            input.load().unwrap_or_else(|error| panic!("the input cannot be decoded: {error}"));
        let engine = world.engine.clone();
        let mut start = engine.start::<W>(input).idempotency_key(KEY);
        if let Some(config) = &self.config {
            let config = config.load();
            start = start.config(
                config.unwrap_or_else(|error| panic!("the configuration cannot be decoded: {error}")),
            );
        }
        let run_id = start.await?.id();
        world.drive(run_id).await?;
        world.deliver_all().await?;
        Ok(run_id)
    }

    /// Checks the end of a run, and returns its output.
    async fn check(
        &self,
        world: &World,
        run_id: RunId,
        observed: &[ObservedPlugin],
        crash: &str,
    ) -> Result<Option<W::Output>, Error> {
        let run = world.engine.run_handle::<W>(run_id).await?;
        let code = run.record().await?.error.map(|error| error.code);
        let events = world.store().events(run_id, 0, usize::MAX).await?;
        assert_events_consistent(&events, crash);
        for plugin in observed {
            plugin.assert_complete(world, &events, crash).await?;
        }
        // In production, too, a crash in the last attempt of a stage fails the run.
        if !crash.is_empty() && code.as_deref() == Some(ErrorCode::WorkerLost.as_str()) {
            return Ok(None);
        }
        run.output().await.map(Some)
    }
}

/// Makes a run without a crash, which returns the number of its commits, then one with a crash before and one with a crash
/// after each of these commits.
pub(super) async fn each_crash(run: impl AsyncFn(Crash) -> usize) -> usize {
    let points = run(None).await;
    for point in 0..points {
        for moment in [Moment::Before, Moment::After] {
            run(Some((point, moment))).await;
        }
    }
    points
}

/// Passes the panic of the test's own check on, and names the crash.
pub(super) fn checked(checked: std::thread::Result<()>, crash: &str) {
    let Err(panicked) = checked else { return };
    let message = match panicked.downcast::<String>() {
        Ok(message) => *message,
        Err(panicked) => match panicked.downcast::<&str>() {
            Ok(message) => (*message).to_owned(),
            Err(panicked) => resume_unwind(panicked),
        },
    };
    panic!("{crash}{message}");
}

/// Asserts that the events have no gap, and that each stage completed at most once.
fn assert_events_consistent(events: &[Event], crash: &str) {
    let sequences = events.iter().map(|event| event.sequence);
    assert!(sequences.eq(1..=events.len() as u64), "{crash}the events have a gap");
    let mut commits: HashMap<&str, u32> = HashMap::new();
    for event in events {
        if let EventKind::StageCompleted { stage_id, .. } = &event.kind {
            *commits.entry(stage_id).or_default() += 1;
        }
    }
    for (stage, commits) in commits {
        assert_eq!(commits, 1, "{crash}stage `{stage}` was committed {commits} times");
    }
}

/// Asserts that stages commit their statements at most once. Stages that wait commit several times and are skipped.
fn assert_statements_committed_once<W: Workflow>(recorded: &[RecordedStatements], crash: &str) {
    for stage in W::definition().stages.iter().filter(|stage| stage.wait.is_none()) {
        let commits = recorded.iter().filter(|statements| statements.stage_key.id == stage.id).count();
        assert!(commits <= 1, "{crash}the statements of stage `{}` were committed {commits} times", stage.id);
    }
}
