//! The test engine, which runs workflows in memory and in virtual time, replaces stages, and injects faults.

mod setup;
mod plan;
mod control;
mod run;
mod log;
mod faults;
mod world;
mod drive;
mod virtual_time;
mod crash_points;
mod deliveries;
#[cfg(feature = "sqlite")]
mod crash_on_sqlite;
mod crashing_store;

use std::marker::PhantomData;
use std::sync::Arc;

use self::faults::Faults;
pub use self::plan::TestPlan;
pub use self::run::{RunState, TestRun};
use self::setup::Setup;
use self::world::World;
use crate::context::{StageContext, StageError, StageResult};
use crate::engine::EngineBuilder;
use crate::language::{HasStage, Stage, Workflow};
use crate::ports::{EventSink, Plugin};
use crate::value::Json;

/// Runs workflows in virtual time: retries, timeouts and polls of days pass in milliseconds. Stages fail and processes die
/// where the test plans it, stubs replace stages, and the test receives every event.
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
/// test.fail::<fetch>(1, "the service is unavailable").crash::<double>(1);
/// let run = test.run(FetchInput { number: 21 }).await;
///
/// assert_eq!(*run.output.as_ref().unwrap(), 42);
/// assert!(run.elapsed >= Duration::from_secs(3600), "the run waited for its backoff");
/// # }
/// ```
///
/// [`run`](Self::run) runs the workflow to its end. To act in between, start a run with [`start`](Self::start), and move it
/// with [`run_until`](Self::run_until), [`advance`](Self::advance) or [`step`](Self::step); [`finish`](Self::finish) runs
/// it to its end. All runs of a test engine share its store and its time.
///
/// # Time
/// The engine has a clock of its own, which advances when nothing else is left to do. A body that sleeps with tokio takes
/// real time, and a body that neither ends nor yields work for 200 ms counts as waiting: time then advances to the next
/// instant at which something happens, for example to its timeout. In a test with `#[tokio::test(start_paused = true)]`,
/// the engine follows the paused clock of tokio instead: bodies may sleep with tokio for days, and nothing takes real time.
pub struct TestEngine<W: Workflow> {
    setup: Setup,
    faults: Faults,
    /// The configuration of the next run.
    config: Option<Json>,
    /// The simulated process, once there is one.
    world: Option<World>,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> TestEngine<W> {
    /// Makes a test engine without faults.
    #[must_use]
    pub fn new() -> Self {
        let mut setup = Setup::default();
        setup.push(EngineBuilder::register::<W>);
        Self { setup, faults: Faults::default(), config: None, world: None, workflow: PhantomData }
    }

    /// Sets the configuration of the next run. Without it, each stage has its defaults.
    ///
    /// # Panics
    /// When the configuration cannot be stored.
    #[allow(clippy::needless_pass_by_value, reason = "a test writes the configuration where it needs it")]
    pub fn config(&mut self, config: W::Config) -> &mut Self {
        let config = Json::store(&config);
        self.config =
            Some(config.unwrap_or_else(|error| panic!("the configuration cannot be stored: {error}")));
        self
    }

    /// Plans a failure: attempt number `attempt` (1-based) of a stage fails with this text, before its body runs. It
    /// happens once, in the first run that reaches it.
    pub fn fail<S: Stage>(&mut self, attempt: u32, error: &str) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().fail::<S>(attempt, error);
        self
    }

    /// Plans a permanent failure: like [`fail`](Self::fail), but no other attempt follows.
    pub fn fail_permanently<S: Stage>(&mut self, attempt: u32, error: &str) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().fail_permanently::<S>(attempt, error);
        self
    }

    /// Plans a crash: the process dies in this attempt, after its body has run and before its outcome is committed. The
    /// engine detects the loss when the lease ends, and runs the body again. After the last crash that the stage allows,
    /// the run fails with `WORKER_LOST`.
    pub fn crash<S: Stage>(&mut self, attempt: u32) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().crash::<S>(attempt);
        self
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
    /// let run = TestEngine::<Inquiry>::new().suspend::<ask>(3).run(question()).await;
    /// assert_eq!(*run.output.as_ref().unwrap(), 4);
    /// assert_eq!(run.elapsed, Duration::from_secs(4 * 3600));
    ///
    /// let run = TestEngine::<Inquiry>::new().suspend::<ask>(100).run(question()).await;
    /// assert!(run.output.unwrap_err().to_string().contains("timed out"));
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the stage has no check and so never waits.
    pub fn suspend<S: Stage>(&mut self, checks: u32) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().suspend::<S>(checks);
        self
    }

    /// Replaces the body of a stage: each attempt returns this output. A stage that waits is ready at its first check.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage]
    /// async fn fetch(url: String) -> StageResult<String> {
    ///     Err(StageError::permanent(format!("no network for {url}")))
    /// }
    ///
    /// #[stage]
    /// async fn count(page: String) -> StageResult<usize> {
    ///     Ok(page.len())
    /// }
    ///
    /// workflow! { Counting = fetch >> count }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut test = TestEngine::<Counting>::new();
    /// let run = test.stub::<fetch>("a page".into()).run(FetchInput { url: "a.example".into() }).await;
    /// assert_eq!(run.output.unwrap(), 6);
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the output cannot be stored.
    pub fn stub<S: Stage>(&mut self, output: S::Output) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().stub::<S>(output);
        self
    }

    /// Replaces the body of a stage: each attempt fails with this error. The kind of the error decides whether the stage is
    /// retried.
    pub fn stub_error<S: Stage>(&mut self, error: StageError) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().stub_error::<S>(error);
        self
    }

    /// Replaces the body of a stage by a function of its input and its context, which also receives the effects of the
    /// stub. Faults of [`fail`](Self::fail) and [`crash`](Self::crash) happen all the same.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage(retry(max_attempts = 2))]
    /// async fn charge(cents: u32) -> StageResult<String> {
    ///     Err(StageError::permanent(format!("{cents} cents would cost money")))
    /// }
    ///
    /// workflow! { Paying = charge }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut test = TestEngine::<Paying>::new();
    /// test.stub_with::<charge>(|input, ctx| match ctx.attempt() {
    ///     1 => Err(StageError::retryable("busy")),
    ///     _ => Ok(format!("receipt for {}", input.cents)),
    /// });
    /// let run = test.run(ChargeInput { cents: 5 }).await;
    /// assert_eq!(run.output.unwrap(), "receipt for 5");
    /// # }
    /// ```
    pub fn stub_with<S: Stage>(
        &mut self,
        stub: impl Fn(S::Input, &StageContext) -> StageResult<S::Output> + Send + Sync + 'static,
    ) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.plan::<W>().stub_with::<S>(stub);
        self
    }

    /// Returns the plan for the stages of another workflow that was [registered](Self::register): `test.plan::<Other>()
    /// .fail::<other_stage>(1, "…")`.
    pub fn plan<V: Workflow>(&mut self) -> TestPlan<'_, V> {
        TestPlan::new(&self.faults)
    }

    /// Registers another workflow, whose runs the test engine executes beside those of its own.
    ///
    /// # Panics
    /// When a run was started already, here and below.
    pub fn register<V: Workflow>(&mut self) -> &mut Self {
        self.setup(EngineBuilder::register::<V>)
    }

    /// Configures the engine, for example with limits or with values for its stages. The function is called once for each
    /// simulated process; store, clock, executor and worker are those of the test.
    pub fn setup(
        &mut self,
        configure: impl Fn(EngineBuilder) -> EngineBuilder + Send + Sync + 'static,
    ) -> &mut Self {
        self.editable().push(configure);
        self
    }

    /// Adds a plugin. It receives its events while the runs are executed, and retries its refusals in virtual time.
    pub fn plugin(&mut self, plugin: impl Plugin + 'static) -> &mut Self {
        self.editable().plugins.push(Arc::new(plugin));
        self
    }

    /// Delivers every event to this sink, for example a [`CollectingEventSink`](super::CollectingEventSink).
    pub fn event_sink(&mut self, sink: impl EventSink + 'static) -> &mut Self {
        self.editable().sink = Some(Arc::new(sink));
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
        let setup = self.editable();
        assert!(
            setup.state.get::<T>().is_none(),
            "the test engine was given two values of type `{name}` as state"
        );
        setup.state.insert(value);
        self
    }

    /// Sets the client through which stages call language models, for example one with a
    /// [`ScriptedProvider`](crate::ai::ScriptedProvider). The waits between its attempts take no real time.
    #[cfg(feature = "ai")]
    pub fn ai(&mut self, client: crate::ai::AiClient) -> &mut Self {
        self.setup(move |builder| builder.ai(client.clone()))
    }

    fn editable(&mut self) -> &mut Setup {
        assert!(
            self.world.is_none(),
            "the engine of this test has started a run already: configure it before, or make another `TestEngine`"
        );
        &mut self.setup
    }
}

impl<W: Workflow> Default for TestEngine<W> {
    fn default() -> Self {
        Self::new()
    }
}
