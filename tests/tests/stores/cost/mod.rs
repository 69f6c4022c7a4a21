//! The cost of a run: the commits, statements, rows and bytes of a diamond that is started through the public API and
//! run by an otherwise idle worker. The tests count and do not measure time, so they fail reliably for a change that
//! adds a statement to the path of every stage.
//!
//! The two branches may commit together or one after the other, so a run has four or five commits; the bounds include
//! the cost of the fifth.

mod server;
mod file;
mod above;
mod ticks;

use std::fmt;
use std::ops::Sub;
use std::sync::Arc;

use tests::recorder::Recorder;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{EventSink, Store, SystemClock};
use workflow_engine::prelude::*;

#[stage]
async fn first(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage]
async fn left(number: u64) -> StageResult<u64> {
    Ok(number + 1)
}

#[stage]
async fn right(number: u64) -> StageResult<u64> {
    Ok(number + 2)
}

#[stage]
async fn last(left: u64, right: u64) -> StageResult<u64> {
    Ok(left + right)
}

workflow! { diamond = first >> [left, right] >> last }

#[stage]
async fn end(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage]
async fn other() -> StageResult<u64> {
    Ok(0)
}

workflow! { plain = first >> left >> end }

// Its runs take the first arm, and skip three stages.
workflow! { choosing = match first { number if number < 1_000 => left, number if number < 2_000 => right >> same, _ => other } >> end }

#[stage]
async fn same(number: u64) -> StageResult<u64> {
    Ok(number)
}

/// The number of stages that a run of `choosing` skips.
const SKIPPED: u64 = 3;

/// The number of runs before the count starts, in which the worker starts and statements are prepared.
const WARM_UP: u64 = 5;

/// The number of counted runs.
const RUNS: u64 = 40;

/// Where the subscribers of the events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subscribers {
    None,
    /// In another process: events are kept, and this process delivers none.
    OtherProcess,
    /// A sink and a plugin in this process.
    ThisProcess,
}

/// The work that a store has done.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    transactions: u64,
    statements: u64,
    requests: u64,
    rows: u64,
    bytes: u64,
}

/// The most that a run may cost: with four commits, and the addition of a fifth one.
struct Bound {
    statements: (u64, u64),
    rows: (u64, u64),
    bytes: u64,
}

impl Cost {
    /// The additional requests for all runs: now and then a worker checks for more work.
    const SLACK: u64 = 2;

    /// Compares the cost of the runs with the bound.
    fn check(&self, bound: &Bound) {
        let limit = 5 * RUNS + Self::SLACK;
        assert!(self.requests <= limit && self.transactions <= limit, "more than five commits: {self}");
        let fifth = self.transactions.saturating_sub(4 * RUNS);
        let limit = |(four, added): (u64, u64)| four * RUNS + added * fifth;
        assert!(self.statements <= limit(bound.statements), "too many statements: {self}");
        assert!(self.rows <= limit(bound.rows), "too many rows: {self}");
        assert!(self.bytes <= bound.bytes * RUNS, "too many bytes: {self}");
    }

    /// Compares the cost with that of deliveries, whose number depends on how soon they follow a commit: at most a
    /// claim and a settlement of each commit for each of two subscribers.
    fn check_with_deliveries(&self) {
        assert!(self.requests <= (5 + 5 * 2 * 2) * RUNS + Self::SLACK, "too many requests: {self}");
        assert!(self.rows <= 100 * RUNS, "too many rows: {self}");
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            transactions: self.transactions - before.transactions,
            statements: self.statements - before.statements,
            requests: self.requests - before.requests,
            rows: self.rows - before.rows,
            bytes: self.bytes - before.bytes,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |count: u64| format!("{}.{:02}", count / RUNS, count % RUNS * 100 / RUNS);
        let [transactions, statements, requests, rows, bytes] =
            [self.transactions, self.statements, self.requests, self.rows, self.bytes].map(each);
        write!(
            f,
            "{transactions} commits, {statements} statements, {requests} requests, {rows} rows, {bytes} bytes a run"
        )
    }
}

struct NoopSink;

#[async_trait::async_trait]
impl EventSink for NoopSink {
    async fn deliver(
        &self,
        _: &workflow_engine::records::Event,
    ) -> Result<(), workflow_engine::ports::DeliveryError> {
        Ok(())
    }
}

/// Compares the cost of runs with a choice with that of runs of a chain that executes the same stages. A choice adds no
/// commit, and for each stage of the arms that are not taken at most the insert of its row and one update. Their events
/// are in the row of the commit.
fn check_choices(plain: Cost, choosing: Cost) {
    assert!(choosing.transactions <= plain.transactions + Cost::SLACK, "{choosing} instead of {plain}");
    assert!(choosing.requests <= plain.requests + 2 * Cost::SLACK, "{choosing} instead of {plain}");
    assert!(choosing.rows <= plain.rows + 2 * SKIPPED * RUNS, "{choosing} instead of {plain}");
}

async fn run_as<W: Workflow<Input = FirstInput, Output = u64>>(engine: &Engine, runs: u64) {
    for number in 0..runs {
        let output = engine.start::<W>(FirstInput { number }).await.unwrap().output().await.unwrap();
        assert_eq!(output, number + 1);
    }
}

async fn engine(store: Arc<dyn Store>, subscribers: Subscribers) -> Engine {
    let builder = EngineBuilder::with_store(Arc::clone(&store), Arc::new(SystemClock)).register::<diamond>();
    let builder = builder.register::<plain>().register::<choosing>();
    let builder = builder.register::<above::asking>().register::<above::delayed>();
    let builder = builder.register::<above::catching>().register::<above::inner>().register::<above::outer>();
    let builder = if subscribers == Subscribers::ThisProcess {
        builder.event_sink(NoopSink).plugin(Recorder::new("recorder"))
    } else {
        builder
    };
    // The lease is long, so that none is renewed during the count.
    let engine = builder.lease(std::time::Duration::from_secs(3_600)).build().await.unwrap();
    if subscribers == Subscribers::OtherProcess {
        tests::deliveries::subscribe(&*store).await;
    }
    engine
}

async fn run(engine: &Engine, runs: u64) {
    for number in 0..runs {
        let output = engine.start::<diamond>(FirstInput { number }).await.unwrap().output().await.unwrap();
        assert_eq!(output, 2 * number + 3);
    }
}
