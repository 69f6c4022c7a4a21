//! Running a user's workflow in a test: in memory, in virtual time, with faults where the test wants them.

mod faults;
mod crashing_store;
mod drive;
mod everywhere;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use self::crashing_store::CrashingStore;
use self::drive::Driver;
use self::faults::{Fault, Faults, FaultyExecutor};
use super::FakeClock;
use crate::definition::StageDefinition;
use crate::engine::{Engine, EngineBuilder};
use crate::error::Error;
use crate::ports::{Clock, Store};
use crate::records::{Event, EventKind};
use crate::stage::Workflow;
use crate::stores::{MemoryStore, NotedStatements};

/// Drives a workflow to its end: retries, timeouts and polls of days pass in milliseconds, stages fail and processes
/// die where the test says so, and every event is handed back.
///
/// ```
/// use std::time::Duration;
/// use workflow_engine::prelude::*;
/// use workflow_engine::testing::TestEngine;
///
/// #[stage(retry(max_attempts = 3, initial = "1h"))]
/// async fn fetch(number: u32) -> StageResult<u32> {
///     Ok(number)
/// }
///
/// #[stage]
/// async fn double(number: u32) -> StageResult<u32> {
///     Ok(number * 2)
/// }
///
/// workflow! { doubling = fetch >> double }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut test = TestEngine::<doubling>::new();
/// test.fail("fetch", 1, "the far side is away").crash("double", 1);
/// let run = test.run(FetchInput { number: 21 }).await;
///
/// assert_eq!(*run.output.as_ref().unwrap(), 42);
/// assert!(run.elapsed >= Duration::from_secs(3600), "the backoff was waited for");
/// # }
/// ```
pub struct TestEngine<W: Workflow> {
    faults: Faults,
    config: Option<W::Config>,
    workflow: PhantomData<fn() -> W>,
}

/// What became of a run.
pub struct TestRun<W: Workflow> {
    /// Its output, or why it has none.
    pub output: Result<W::Output, Error>,
    /// Every stage's output.
    pub outputs: W::Outputs,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// What stages have committed through `ctx.transaction()`, in the order of their commits. There are no tables here:
    /// the statements are noted, and not run.
    pub statements: Vec<NotedStatements>,
    /// How long it took, in virtual time.
    pub elapsed: Duration,
}

impl<W: Workflow> TestRun<W> {
    /// How many attempts of this stage began.
    #[must_use]
    pub fn attempts(&self, stage: &str) -> usize {
        let is_start =
            |kind: &EventKind| matches!(kind, EventKind::StageStarted { stage_id, .. } if stage_id == stage);
        self.events.iter().filter(|event| is_start(&event.kind)).count()
    }
}

impl<W: Workflow> TestEngine<W> {
    /// Without faults.
    #[must_use]
    pub fn new() -> Self {
        Self { faults: Faults::default(), config: None, workflow: PhantomData }
    }

    /// The configuration of the runs to come. Without it each stage has its defaults.
    pub fn config(&mut self, config: W::Config) -> &mut Self {
        self.config = Some(config);
        self
    }

    /// Attempt number `attempt` (1-based) of this stage fails with this text, before its body runs.
    ///
    /// # Panics
    /// When the workflow has no such stage, here and below.
    pub fn fail(&mut self, stage: &str, attempt: u32, error: &str) -> &mut Self {
        self.inject(stage, attempt, Fault::Fail(error.to_owned()))
    }

    /// The same, for good: no attempt follows.
    pub fn fail_for_good(&mut self, stage: &str, attempt: u32, error: &str) -> &mut Self {
        self.inject(stage, attempt, Fault::FailForGood(error.to_owned()))
    }

    /// The process dies in this attempt, after its body has run and before its outcome is committed: the engine has to
    /// find out by itself, and runs the body once more.
    pub fn crash(&mut self, stage: &str, attempt: u32) -> &mut Self {
        self.inject(stage, attempt, Fault::Crash)
    }

    /// This stage waits for longer: its first `checks` checks find it not ready, without the check function being
    /// called, and the next ones ask it. Between two of them the stage's `poll_every` passes; after its `give_up_after`
    /// it fails.
    ///
    /// ```
    /// use std::time::Duration;
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage(check = answered, poll_every = "1h", give_up_after = "24h")]
    /// async fn ask(question: String) -> StageResult<String> {
    ///     Ok(question) // the ticket
    /// }
    ///
    /// #[check]
    /// async fn answered(question: &String) -> StageResult<Check<usize>> {
    ///     Ok(Check::Ready(question.len()))
    /// }
    ///
    /// workflow! { asking = ask }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let question = || AskInput { question: "Why?".into() };
    /// let run = TestEngine::<asking>::new().suspend("ask", 3).run(question()).await;
    /// assert_eq!(*run.output.as_ref().unwrap(), 4);
    /// assert_eq!(run.elapsed, Duration::from_secs(4 * 3600));
    ///
    /// let run = TestEngine::<asking>::new().suspend("ask", 100).run(question()).await;
    /// assert!(run.output.unwrap_err().to_string().contains("was given up"));
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the workflow has no such stage, or when the stage has no check: then it never waits.
    pub fn suspend(&mut self, stage: &str, checks: u32) -> &mut Self {
        assert!(
            Self::known(stage).wait.is_some(),
            "stage `{stage}` of workflow `{}` has no check, so it cannot wait; give it one, or let an attempt `fail`",
            W::definition().id
        );
        self.faults.suspend(stage, checks);
        self
    }

    /// Whom stages call language models through: a client over a
    /// [`ScriptedProvider`](crate::ai::ScriptedProvider), for example. The waits between its tries take no time.
    #[cfg(feature = "ai")]
    pub fn ai(&mut self, client: crate::ai::AiClient) -> &mut Self {
        self.faults.ai = Some(client);
        self
    }

    fn inject(&mut self, stage: &str, attempt: u32, fault: Fault) -> &mut Self {
        Self::known(stage);
        self.faults.insert(stage, attempt, fault);
        self
    }

    fn known(stage: &str) -> &'static StageDefinition {
        let stages = &W::definition().stages;
        stages.iter().find(|known| known.id == stage).unwrap_or_else(|| {
            let known: Vec<&str> = stages.iter().map(|known| known.id.as_str()).collect();
            panic!("workflow `{}` has no stage `{stage}`; its stages are {known:?}", W::definition().id)
        })
    }

    /// Runs the workflow once, to its end.
    ///
    /// # Panics
    /// When the run comes to a standstill: nothing is ready, and nothing will be.
    pub async fn run(&mut self, input: W::Input) -> TestRun<W> {
        let clock = FakeClock::new();
        let memory = Arc::new(MemoryStore::new(Arc::new(clock.clone())).noting_statements());
        let store: Arc<dyn Store> = Arc::clone(&memory) as _;
        let began = clock.now();
        let engine = engine::<W>(&store, &clock, &self.faults).await;
        let mut start = engine.start::<W>(input);
        if let Some(config) = self.config.take() {
            start = start.config(config);
        }
        let run = start.await.unwrap_or_else(|error| panic!("the run cannot be started: {error}"));
        Driver { engine: &engine, clock: &clock, faults: &self.faults }.drive(run.id()).await;

        let elapsed = (clock.now() - began).to_std().unwrap_or_default();
        let events = run.events().filter_map(async |event| event.ok()).collect().await;
        let outputs =
            run.outputs().await.unwrap_or_else(|error| panic!("the outputs cannot be read: {error}"));
        let statements = memory.noted_statements();
        TestRun { output: run.output().await, outputs, events, statements, elapsed }
    }

    /// Runs the workflow again and again, each time with a process that dies at another commit point, once just
    /// before it and once just after it, and is followed by another process. Answers how many commit points there
    /// are. What was planned to go wrong does so in each of these runs.
    ///
    /// `input` makes the input anew for each run; `check` sees each output, which must be what it is without a crash.
    ///
    /// # Panics
    /// When a run does not end well, a stage is committed twice, an event is missing, or `check` panics. The message
    /// names the commit point.
    pub async fn crash_everywhere(
        &mut self,
        input: impl Fn() -> W::Input,
        check: impl Fn(W::Output),
    ) -> usize {
        everywhere::crash_everywhere::<W>(&self.faults, input, check).await
    }
}

impl<W: Workflow> Default for TestEngine<W> {
    fn default() -> Self {
        Self::new()
    }
}

/// An engine without a worker: the driver does its work, one step at a time.
async fn engine<W: Workflow>(store: &Arc<dyn Store>, clock: &FakeClock, faults: &Faults) -> Engine {
    let builder = EngineBuilder::with_store(Arc::clone(store), Arc::new(clock.clone()));
    #[cfg(feature = "ai")]
    let builder = match &faults.ai {
        Some(client) => builder.ai(client.clone()),
        None => builder,
    };
    builder
        .register::<W>()
        .executor(FaultyExecutor::new(faults.clone()))
        .without_worker()
        .build()
        .await
        .unwrap_or_else(|error| panic!("the engine cannot be built: {error}"))
}
