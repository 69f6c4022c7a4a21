//! Starting runs, and moving them through virtual time.

use std::time::Duration;

use super::TestEngine;
use super::crash_points::CrashTest;
use super::run::{RunState, TestRun};
use super::world::World;
use crate::engine::{Engine, RunHandle};
use crate::error::Error;
use crate::language::Workflow;

impl<W: Workflow> TestEngine<W> {
    /// Runs the workflow once, to its end, and delivers the events that are due by then.
    ///
    /// # Panics
    /// When the run is stuck: no stage is ready, and no job will be due. So do all methods that move time.
    pub async fn run(&mut self, input: W::Input) -> TestRun<W> {
        let run = self.start(input).await;
        self.finish(&run).await
    }

    /// Starts a run, and returns its handle. The run is stored, and moves only when the test moves time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage(check = answered, poll_every = "24h", give_up_after = "30d")]
    /// async fn ask(question: String) -> StageResult<String> {
    ///     Ok(question) // the ticket
    /// }
    ///
    /// #[check]
    /// async fn answered(question: &String) -> StageResult<Check<usize>> {
    ///     Ok(Check::Ready(question.len()))
    /// }
    ///
    /// workflow! { Asking = ask }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let mut test = TestEngine::<Asking>::new();
    /// let run = test.start(AskInput { question: "Why?".into() }).await;
    /// test.run_until(&run, |run| run.is_waiting::<ask>()).await;
    ///
    /// // A webhook, three hours later.
    /// test.advance(Duration::from_secs(3 * 3600)).await;
    /// run.wake::<ask>().await?;
    /// let run = test.finish(&run).await;
    /// assert_eq!(run.output?, 4);
    /// assert_eq!(run.elapsed, Duration::from_secs(3 * 3600));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the run cannot be started, for example because its input is refused.
    pub async fn start(&mut self, input: W::Input) -> RunHandle<W> {
        let config = self.config.take();
        let mut start = self.world().await.engine.start::<W>(input);
        if let Some(config) = config {
            let config = config.load();
            start = start.config(
                config.unwrap_or_else(|error| panic!("the configuration cannot be decoded: {error}")),
            );
        }
        start.await.unwrap_or_else(|error| panic!("the run cannot be started: {error}"))
    }

    /// Returns the engine, to start runs with options or of other workflows, and to send commands. Its worker is the test:
    /// an output is awaited with [`finish`](Self::finish), not with [`RunHandle::output`].
    ///
    /// # Panics
    /// When the engine cannot be built.
    pub async fn engine(&mut self) -> Engine {
        self.world().await.engine.clone()
    }

    /// Executes the next part of the work: an action of [`after`](Self::after), the start of a run, the body or check of
    /// one job with its outcome, or deliveries of events. If none is due, time passes to the next instant at which
    /// something is. Returns `false` if nothing ever will be: every run has ended or is stuck.
    pub async fn step(&mut self) -> bool {
        let stepped = self.world().await.step(None).await;
        expect(stepped)
    }

    /// Lets `duration` pass, and executes all work that becomes due meanwhile, each at its own instant.
    pub async fn advance(&mut self, duration: Duration) {
        let world = self.world().await;
        let end = world.time.after(duration);
        loop {
            while world.time.now() <= end && expect(world.work().await) {}
            if world.time.now() >= end {
                return;
            }
            expect(world.step(Some(end)).await);
        }
    }

    /// Executes work, and lets time pass, until the run meets a condition. Returns its state then.
    ///
    /// # Panics
    /// When the run ends before; the message has the log of the run.
    pub async fn run_until<V: Workflow>(
        &mut self,
        run: &RunHandle<V>,
        mut condition: impl FnMut(&RunState<V>) -> bool,
    ) -> RunState<V> {
        let world = self.world().await;
        loop {
            let state: RunState<V> = expect(RunState::read(world, run.id()).await);
            if condition(&state) {
                return state;
            }
            if state.record.status.is_terminal() {
                let log = world.log().await;
                panic!("run {} ended before it met the condition of `run_until`\n{log}", run.id());
            }
            if !expect(world.step(None).await) {
                world.stuck(run.id()).await;
            }
        }
    }

    /// Executes work, and lets time pass, until the run has ended, and delivers the events that are due by then.
    pub async fn finish<V: Workflow>(&mut self, run: &RunHandle<V>) -> TestRun<V> {
        let world = self.world().await;
        expect(world.drive(run.id()).await);
        expect(world.deliver_due().await);
        expect(TestRun::read(world, run).await)
    }

    /// Executes work, and lets time pass, until nothing is left to do: every run has ended or is stuck, and the events are
    /// delivered, or refused for the last time.
    pub async fn finish_all(&mut self) {
        while self.step().await {}
    }

    /// Performs an action at the instant that is `duration` from now: a cancellation, a wake-up, a rerun, an annotation.
    /// Bodies that wait at that instant continue to wait, as in production.
    ///
    /// ```
    /// use std::time::Duration;
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage(retry(max_attempts = 100, initial = "1h", max = "1h"))]
    /// async fn fetch(url: String) -> StageResult<String> {
    ///     Err(StageError::retryable(format!("{url} is unavailable")))
    /// }
    ///
    /// workflow! { Fetching = fetch }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut test = TestEngine::<Fetching>::new();
    /// let run = test.start(FetchInput { url: "a.example".into() }).await;
    /// let cancelled = run.clone();
    /// test.after(Duration::from_secs(150 * 60), async move {
    ///     cancelled.cancel("the customer has left").await.unwrap();
    /// })
    /// .await;
    /// let run = test.finish(&run).await;
    /// assert!(run.output.as_ref().unwrap_err().is_run_cancelled());
    /// assert_eq!(run.attempts::<fetch>(), 3);
    /// # }
    /// ```
    pub async fn after(&mut self, duration: Duration, action: impl Future<Output = ()> + Send + 'static) {
        let world = self.world().await;
        let instant = world.time.after(duration);
        world.act_at(instant, Box::pin(action));
    }

    /// Returns the virtual time since the first run was started.
    pub async fn elapsed(&mut self) -> Duration {
        let world = self.world().await;
        (world.time.now() - world.began).to_std().unwrap_or_default()
    }

    /// Returns what happened so far in all runs: a line for each event and each log line, with the virtual time since the
    /// first run was started. It contains no ids, so it is the same each time, and suits `expect-test` or another tool for
    /// snapshots.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage(retry(max_attempts = 2, initial = "1h"))]
    /// async fn double(number: u32) -> StageResult<u32> {
    ///     Ok(number * 2)
    /// }
    ///
    /// workflow! { Doubling = double }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut test = TestEngine::<Doubling>::new();
    /// test.fail::<double>(1, "busy").run(DoubleInput { number: 21 }).await;
    /// assert_eq!(
    ///     test.log().await,
    ///     "\
    /// 0s        workflow:created
    /// 0s        workflow:started
    /// 0s        stage:started double, attempt 1
    /// 0s        stage:retrying double, attempt 1: busy; next attempt in 1h
    /// 1h        stage:started double, attempt 2
    /// 1h        stage:completed double
    /// 1h        workflow:completed 42
    /// "
    /// );
    /// # }
    /// ```
    pub async fn log(&mut self) -> String {
        self.world().await.log().await
    }

    /// Runs the workflow twice for each of its commits: once with a process that dies right before the commit, and once
    /// with one that dies right after it. A second process continues each of these runs. Returns the number of commits.
    /// The planned faults happen in each run. Deliveries to plugins are commits, too.
    ///
    /// `input` makes the input of each run; `check` receives each output, and must accept it as it accepts the output
    /// of a run without a crash. A crash that is the last one that a stage allows fails the run with `WORKER_LOST`, as in
    /// production: there is no output to check then, and the events and statements are checked all the same.
    ///
    /// # Panics
    /// When a run does not end so, a stage is committed twice, an event is missing or is not delivered to a plugin in its
    /// order, or `check` panics. The message names the commit: its number, and what it writes.
    pub async fn crash_everywhere(
        &mut self,
        input: impl Fn() -> W::Input,
        check: impl Fn(W::Output),
    ) -> usize {
        let test = CrashTest::<W>::new(&self.setup, &self.faults, self.config.take());
        test.in_memory(input, check).await
    }

    async fn world(&mut self) -> &mut World {
        if self.world.is_none() {
            self.world = Some(World::in_memory(&self.setup, &self.faults).await);
        }
        self.world.as_mut().unwrap_or_else(|| unreachable!("it was built above"))
    }
}

fn expect<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("the store failed: {error}"))
}
