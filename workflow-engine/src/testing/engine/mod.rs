//! The test engine, which runs a workflow in memory and in virtual time, and injects faults.

mod faults;
mod drive;
mod crash_points;
mod crashing_store;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use self::drive::Driver;
use self::faults::{Fault, Faults, FaultyExecutor};
use super::clock::FakeClock;
use crate::definition::StageDefinition;
use crate::engine::{Engine, EngineBuilder};
use crate::error::Error;
use crate::language::Workflow;
use crate::ports::{Clock, Store};
use crate::records::{Event, EventKind};
use crate::stores::{MemoryStore, RecordedStatements};

/// Runs a workflow to its end in virtual time: retries, timeouts and polls of days pass in milliseconds. Stages fail
/// and processes die where the test plans it, and the test receives every event.
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
/// workflow! { Doubling = fetch >> double }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut test = TestEngine::<Doubling>::new();
/// test.fail("fetch", 1, "the service is unavailable").crash("double", 1);
/// let run = test.run(FetchInput { number: 21 }).await;
///
/// assert_eq!(*run.output.as_ref().unwrap(), 42);
/// assert!(run.elapsed >= Duration::from_secs(3600), "the run waited for its backoff");
/// # }
/// ```
pub struct TestEngine<W: Workflow> {
    faults: Faults,
    config: Option<W::Config>,
    workflow: PhantomData<fn() -> W>,
}

/// The result of a run.
pub struct TestRun<W: Workflow> {
    /// The output of the run, or the error that ended it.
    pub output: Result<W::Output, Error>,
    /// The outputs of all stages.
    pub outputs: W::Outputs,
    /// The events of the run, in order.
    pub events: Vec<Event>,
    /// The statements that stages have committed through `ctx.transaction()`, in the order of their commits. A test
    /// engine has no tables, so it records the statements and does not run them.
    pub statements: Vec<RecordedStatements>,
    /// The duration of the run, in virtual time.
    pub elapsed: Duration,
}

impl<W: Workflow> TestRun<W> {
    /// Returns the number of attempts of a stage that have started.
    #[must_use]
    pub fn attempts(&self, stage: &str) -> usize {
        let is_start =
            |kind: &EventKind| matches!(kind, EventKind::StageStarted { stage_id, .. } if stage_id == stage);
        self.events.iter().filter(|event| is_start(&event.kind)).count()
    }
}

impl<W: Workflow> TestEngine<W> {
    /// Makes a test engine without faults.
    #[must_use]
    pub fn new() -> Self {
        Self { faults: Faults::default(), config: None, workflow: PhantomData }
    }

    /// Sets the configuration of the next run. Without it, each stage has its defaults.
    pub fn config(&mut self, config: W::Config) -> &mut Self {
        self.config = Some(config);
        self
    }

    /// Plans a failure: attempt number `attempt` (1-based) of a stage fails with this text, before its body runs.
    ///
    /// # Panics
    /// When the workflow has no such stage.
    pub fn fail(&mut self, stage: &str, attempt: u32, error: &str) -> &mut Self {
        self.inject(stage, attempt, Fault::Fail(error.to_owned()))
    }

    /// Plans a permanent failure: like [`fail`](Self::fail), but no other attempt follows.
    ///
    /// # Panics
    /// When the workflow has no such stage.
    pub fn fail_permanently(&mut self, stage: &str, attempt: u32, error: &str) -> &mut Self {
        self.inject(stage, attempt, Fault::FailPermanently(error.to_owned()))
    }

    /// Plans a crash: the process dies in this attempt, after its body has run and before its outcome is committed. The
    /// engine detects the loss when the lease ends, and runs the body again. After the last crash that the stage allows,
    /// the run fails with `WORKER_LOST`.
    ///
    /// # Panics
    /// When the workflow has no such stage.
    pub fn crash(&mut self, stage: &str, attempt: u32) -> &mut Self {
        self.inject(stage, attempt, Fault::Crash)
    }

    /// Makes a stage wait for longer: its first `checks` checks report that it is not ready, without a call of the
    /// check function; later checks call the function. The stage's `poll_every` passes between two checks, and the
    /// stage fails when its `give_up_after` has passed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage(check = reply, poll_every = "1h", give_up_after = "24h")]
    /// async fn ask(question: String) -> StageResult<String> {
    ///     Ok(question) // the ticket
    /// }
    ///
    /// #[check]
    /// async fn reply(question: &String) -> StageResult<Check<usize>> {
    ///     Ok(Check::Ready(question.len()))
    /// }
    ///
    /// workflow! { Inquiry = ask }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let question = || AskInput { question: "Why?".into() };
    /// let run = TestEngine::<Inquiry>::new().suspend("ask", 3).run(question()).await;
    /// assert_eq!(*run.output.as_ref().unwrap(), 4);
    /// assert_eq!(run.elapsed, Duration::from_secs(4 * 3600));
    ///
    /// let run = TestEngine::<Inquiry>::new().suspend("ask", 100).run(question()).await;
    /// assert!(run.output.unwrap_err().to_string().contains("timed out"));
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the workflow has no such stage, or when the stage has no check and so never waits.
    pub fn suspend(&mut self, stage: &str, checks: u32) -> &mut Self {
        assert!(
            Self::definition_of(stage).wait.is_some(),
            "stage `{stage}` of workflow `{}` has no check, so it cannot wait; give it one, or let an attempt `fail`",
            W::definition().id
        );
        self.faults.suspend(stage, checks);
        self
    }

    /// Gives a value to the stages, as [`EngineBuilder::state`]. The processes of [`crash_everywhere`](Self::crash_everywhere)
    /// share it, like a service outside of them.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[derive(Default)]
    /// struct Mailbox(Mutex<Vec<String>>);
    ///
    /// #[stage]
    /// async fn send(text: String, #[state] mailbox: &Mailbox) -> StageResult<usize> {
    ///     let mut mails = mailbox.0.lock().unwrap();
    ///     mails.push(text);
    ///     Ok(mails.len())
    /// }
    ///
    /// workflow! { Sending = send }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut test = TestEngine::<Sending>::new();
    /// let run = test.state(Mailbox::default()).run(SendingInput { text: "hello".into() }).await;
    /// assert_eq!(run.output.unwrap(), 1);
    /// # }
    /// ```
    ///
    /// # Panics
    /// When there is a value of this type.
    pub fn state<T: Send + Sync + 'static>(&mut self, value: T) -> &mut Self {
        let name = std::any::type_name::<T>();
        assert!(
            self.faults.state.get::<T>().is_none(),
            "the test engine was given two values of type `{name}` as state"
        );
        self.faults.state.insert(value);
        self
    }

    /// Sets the client through which stages call language models, for example one with a
    /// [`ScriptedProvider`](crate::ai::ScriptedProvider). The waits between its attempts take no real time.
    #[cfg(feature = "ai")]
    pub fn ai(&mut self, client: crate::ai::AiClient) -> &mut Self {
        self.faults.ai = Some(client);
        self
    }

    fn inject(&mut self, stage: &str, attempt: u32, fault: Fault) -> &mut Self {
        Self::definition_of(stage);
        self.faults.insert(stage, attempt, fault);
        self
    }

    fn definition_of(stage: &str) -> &'static StageDefinition {
        let stages = &W::definition().stages;
        stages.iter().find(|known| known.id == stage).unwrap_or_else(|| {
            let known: Vec<&str> = stages.iter().map(|known| known.id.as_str()).collect();
            panic!("workflow `{}` has no stage `{stage}`; its stages are {known:?}", W::definition().id)
        })
    }

    /// Runs the workflow once, to its end.
    ///
    /// # Panics
    /// When the run is stuck: no stage is ready, and no job will be due.
    pub async fn run(&mut self, input: W::Input) -> TestRun<W> {
        let clock = FakeClock::new();
        let memory = Arc::new(MemoryStore::new(Arc::new(clock.clone())).record_statements());
        let store: Arc<dyn Store> = Arc::clone(&memory) as _;
        let began = clock.now();
        let engine = engine::<W>(&store, &clock, &self.faults).await;
        let mut start = engine.start::<W>(input);
        if let Some(config) = self.config.take() {
            start = start.config(config);
        }
        let run = start.await.unwrap_or_else(|error| panic!("the run cannot be started: {error}"));
        let driver = Driver { engine: &engine, clock: &clock, faults: &self.faults, crash: String::new() };
        driver.drive(run.id()).await;

        let elapsed = (clock.now() - began).to_std().unwrap_or_default();
        let events = run.events().filter_map(async |event| event.ok()).collect().await;
        let outputs =
            run.outputs().await.unwrap_or_else(|error| panic!("the outputs cannot be read: {error}"));
        let statements = memory.recorded_statements();
        TestRun { output: run.output().await, outputs, events, statements, elapsed }
    }

    /// Runs the workflow twice for each of its commits: once with a process that dies right before the commit, and once
    /// with one that dies right after it. A second process continues each of these runs. Returns the number of commits.
    /// The planned faults happen in each run.
    ///
    /// `input` makes the input of each run; `check` receives each output, and must accept it as it accepts the output
    /// of a run without a crash. A crash that is the last one that a stage allows fails the run with `WORKER_LOST`, as in
    /// production: there is no output to check then, and the events and statements are checked all the same.
    ///
    /// # Panics
    /// When a run does not end so, a stage is committed twice, an event is missing, or `check` panics. The message names
    /// the commit: its number, and what it writes.
    pub async fn crash_everywhere(
        &mut self,
        input: impl Fn() -> W::Input,
        check: impl Fn(W::Output),
    ) -> usize {
        crash_points::crash_everywhere::<W>(&self.faults, input, check).await
    }
}

impl<W: Workflow> Default for TestEngine<W> {
    fn default() -> Self {
        Self::new()
    }
}

/// Builds an engine without a worker, whose work the driver does step by step.
async fn engine<W: Workflow>(store: &Arc<dyn Store>, clock: &FakeClock, faults: &Faults) -> Engine {
    let builder = EngineBuilder::with_store(Arc::clone(store), Arc::new(clock.clone()));
    let builder = builder.share_state(faults.state.clone());
    #[cfg(feature = "ai")]
    let builder = match &faults.ai {
        Some(client) => builder.ai(client.clone()),
        None => builder,
    };
    let engine = builder
        .register::<W>()
        .executor(FaultyExecutor::new(faults.clone()))
        .without_worker()
        .build()
        .await
        .unwrap_or_else(|error| panic!("the engine cannot be built: {error}"));
    // The driver executes the stages in place of a worker.
    engine.kernel().check_state().unwrap_or_else(|error| panic!("the engine cannot be built: {error}"));
    engine
}
