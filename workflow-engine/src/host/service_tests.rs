//! Tests of the service loop: when it makes a pass, and when it ends.

use std::collections::VecDeque;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::context::Extensions;
use crate::kernel::{KernelConfig, LocalExecutor, WorkflowRegistry};
use crate::ports::{Clock, Store};
use crate::stores::MemoryStore;
use crate::value::Limits;

/// Time that the test advances.
struct TestClock(watch::Sender<DateTime<Utc>>);

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        let _ = self.0.subscribe().wait_for(|now| *now >= instant).await;
    }
}

type Pass = Result<Next, Error>;

/// Returns the results that the test scripted, and reports each pass.
struct Scripted<const REVISITS: bool, const DRAINS: bool> {
    results: VecDeque<Pass>,
    passes: mpsc::UnboundedSender<()>,
    /// Announces a change during each pass.
    changes_in_passes: bool,
    /// Cancelled during the first pass.
    stop_in_pass: Option<CancellationToken>,
}

impl<const REVISITS: bool, const DRAINED: bool> Service for Scripted<REVISITS, DRAINED> {
    const REVISITS_RECENT_CHANGES: bool = REVISITS;
    const DRAINS: bool = DRAINED;

    fn name(&self) -> String {
        "scripted".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        if self.changes_in_passes {
            kernel.store().hints().all_runs_changed();
        }
        if let Some(stopping) = self.stop_in_pass.take() {
            stopping.cancel();
        }
        self.passes.send(()).unwrap();
        self.results.pop_front().unwrap_or(Ok(Next::OnChange))
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        assert!(pause < MINUTE, "{pause:?}");
        Next::At(kernel.clock().now() + MINUTE)
    }
}

const MINUTE: Duration = Duration::from_secs(60);

struct Bench {
    clock: Arc<TestClock>,
    store: Arc<dyn Store>,
    passes: mpsc::UnboundedReceiver<()>,
    stopping: CancellationToken,
    running: JoinHandle<()>,
}

impl Bench {
    fn start<const REVISITS: bool, const DRAINS: bool>(
        results: impl Fn(DateTime<Utc>) -> Vec<Pass>,
        changes_in_passes: bool,
    ) -> Self {
        Self::start_and_stop::<REVISITS, DRAINS>(results, changes_in_passes, false)
    }

    fn start_and_stop<const REVISITS: bool, const DRAINS: bool>(
        results: impl Fn(DateTime<Utc>) -> Vec<Pass>,
        changes_in_passes: bool,
        stops_in_pass: bool,
    ) -> Self {
        let clock = Arc::new(TestClock(watch::Sender::new(DateTime::UNIX_EPOCH)));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let kernel = Kernel::new(KernelConfig {
            store: Arc::clone(&store),
            clock: clock.clone(),
            registry: WorkflowRegistry::default(),
            executor: Arc::new(LocalExecutor),
            sink: None,
            plugins: Vec::new(),
            blobs: None,
            inline_limit: KernelConfig::INLINE_LIMIT,
            extensions: Extensions::default(),
            limits: Limits::default(),
            trace_context: None,
            lease: KernelConfig::LEASE,
        });
        let (sender, passes) = mpsc::unbounded_channel();
        let results = results(clock.now()).into();
        let stopping = CancellationToken::new();
        let stop_in_pass = stops_in_pass.then(|| stopping.clone());
        let service =
            Scripted::<REVISITS, DRAINS> { results, passes: sender, changes_in_passes, stop_in_pass };
        let running = tokio::spawn(run(kernel, service, stopping.clone()));
        Self { clock, store, passes, stopping, running }
    }

    fn advance(&self) {
        self.clock.0.send_modify(|now| *now += MINUTE);
    }

    fn change(&self) {
        self.store.hints().all_runs_changed();
    }

    /// Returns the number of passes since the last call.
    async fn passes(&mut self) -> usize {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let mut passes = 0;
        while self.passes.try_recv().is_ok() {
            passes += 1;
        }
        passes
    }

    async fn stop(mut self) -> usize {
        self.stopping.cancel();
        let passes = self.passes().await;
        self.running.await.unwrap();
        passes
    }
}

#[tokio::test]
async fn a_change_does_not_wake_a_service_before_its_instant() {
    let mut bench = Bench::start::<false, false>(|now| vec![Ok(Next::At(now + MINUTE))], false);
    assert_eq!(bench.passes().await, 1);
    bench.change();
    assert_eq!(bench.passes().await, 0);
    bench.advance();
    assert_eq!(bench.passes().await, 1);
    assert_eq!(bench.stop().await, 0);
}

#[tokio::test]
async fn a_change_during_a_pass_causes_another_one() {
    let results = |now| vec![Ok(Next::OnChange), Ok(Next::At(now + MINUTE))];
    let mut bench = Bench::start::<false, false>(results, true);
    assert_eq!(bench.passes().await, 2);
    assert_eq!(bench.stop().await, 0);
}

#[tokio::test]
async fn the_earlier_of_a_change_and_an_instant_wakes_a_service() {
    let results = |now: DateTime<Utc>| {
        let later = now + TimeDelta::minutes(1);
        vec![Ok(Next::OnChangeOrAt(later)), Ok(Next::OnChangeOrAt(later))]
    };
    let mut bench = Bench::start::<false, false>(results, false);
    assert_eq!(bench.passes().await, 1);
    bench.change();
    assert_eq!(bench.passes().await, 1);
    bench.advance();
    assert_eq!(bench.passes().await, 1);
}

#[tokio::test]
async fn a_pass_after_a_delay_covers_the_changes_during_the_delay() {
    let results = |_| vec![Ok(Next::AfterChange(MINUTE)), Ok(Next::AfterChange(MINUTE))];
    let mut bench = Bench::start::<false, false>(results, false);
    assert_eq!(bench.passes().await, 1);
    bench.advance();
    assert_eq!(bench.passes().await, 0, "nothing has changed");
    bench.change();
    assert_eq!(bench.passes().await, 0);
    bench.change();
    bench.advance();
    assert_eq!(bench.passes().await, 1);
    bench.advance();
    assert_eq!(bench.passes().await, 0, "the pass covered both changes");
}

#[tokio::test]
async fn a_service_that_revisits_recent_changes_makes_a_pass_after_each_delay() {
    let results = |_| (0..5).map(|_| Ok(Next::AfterChange(MINUTE))).collect();
    let mut bench = Bench::start::<true, false>(results, false);
    assert_eq!(bench.passes().await, 1);
    bench.advance();
    assert_eq!(bench.passes().await, 1, "a start counts as a change");
    bench.change();
    assert_eq!(bench.passes().await, 0);
    bench.change();
    bench.advance();
    assert_eq!(bench.passes().await, 1);
    bench.advance();
    assert_eq!(bench.passes().await, 1, "the second change was too recent for the pass before");
    bench.advance();
    assert_eq!(bench.passes().await, 0);
}

#[tokio::test]
async fn a_failed_pass_is_retried_after_a_pause() {
    let results = |_| vec![Err(Error::invalid_request("a failure")), Ok(Next::OnChange)];
    let mut bench = Bench::start::<false, false>(results, false);
    assert_eq!(bench.passes().await, 1);
    bench.advance();
    assert_eq!(bench.passes().await, 1);
}

#[tokio::test]
async fn a_draining_service_makes_a_last_pass_until_nothing_is_due() {
    let results = |_| vec![Ok(Next::OnChange), Ok(Next::Now), Ok(Next::OnChange)];
    let mut bench = Bench::start::<false, true>(results, false);
    assert_eq!(bench.passes().await, 1);
    assert_eq!(bench.stop().await, 2);
}

#[tokio::test]
async fn a_draining_service_that_is_stopped_during_a_pass_makes_another_one() {
    let mut bench = Bench::start_and_stop::<false, true>(|_| vec![Ok(Next::OnChange)], false, true);
    assert_eq!(bench.passes().await, 2, "the first pass may have read the store before the last commit");
    assert!(bench.running.is_finished());
}

#[tokio::test]
async fn a_service_that_is_stopped_during_a_pass_ends_after_it() {
    let mut bench = Bench::start_and_stop::<false, false>(|_| vec![Ok(Next::OnChange)], false, true);
    assert_eq!(bench.passes().await, 1);
    assert!(bench.running.is_finished());
}
