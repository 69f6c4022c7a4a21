//! What a run costs: commits, statements, rows and bytes of a diamond that is started through the public API, and run
//! by a worker that has nothing else to do. No test here knows the time, so whoever adds a statement to the path of
//! every stage is told.
//!
//! The two branches commit together or one after the other, as it happens, so a run has four or five commits; what the
//! fifth adds is known.

mod server;
mod file;

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

/// Runs before anything is counted: the worker has started, and statements are prepared.
const WARM_UP: u64 = 5;

/// Runs that are counted.
const RUNS: u64 = 40;

/// Who hears of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listeners {
    Nobody,
    /// Somebody in another process: events are kept for them, and nothing here delivers.
    Elsewhere,
    /// A sink and a plugin.
    Here,
}

/// What a store has done.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    transactions: u64,
    statements: u64,
    requests: u64,
    rows: u64,
    bytes: u64,
}

/// What a run costs at most: with four commits, and what a fifth one adds.
struct Bound {
    statements: (u64, u64),
    rows: (u64, u64),
    bytes: u64,
}

impl Spent {
    /// Once in a while a worker looks whether there is more to do.
    const SLACK: u64 = 2;

    /// Holds against what the runs may cost.
    fn check(&self, bound: &Bound) {
        let most = 5 * RUNS + Self::SLACK;
        assert!(self.requests <= most && self.transactions <= most, "more than five commits: {self}");
        let fifth = self.transactions.saturating_sub(4 * RUNS);
        let most = |(four, added): (u64, u64)| four * RUNS + added * fifth;
        assert!(self.statements <= most(bound.statements), "more statements: {self}");
        assert!(self.rows <= most(bound.rows), "more rows: {self}");
        assert!(self.bytes <= bound.bytes * RUNS, "more bytes: {self}");
    }

    /// Holds against what they may cost with deliveries, whose number depends on how soon they follow a commit: of each
    /// commit to two subscribers, with a claim and a settlement, at most.
    fn check_with_deliveries(&self) {
        assert!(self.requests <= (5 + 5 * 2 * 2) * RUNS + Self::SLACK, "more requests: {self}");
        assert!(self.rows <= 100 * RUNS, "more rows: {self}");
    }
}

impl Sub for Spent {
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

impl fmt::Display for Spent {
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

struct Nothing;

#[async_trait::async_trait]
impl EventSink for Nothing {
    async fn deliver(
        &self,
        _: &workflow_engine::records::Event,
    ) -> Result<(), workflow_engine::ports::DeliveryError> {
        Ok(())
    }
}

async fn engine(store: Arc<dyn Store>, listeners: Listeners) -> Engine {
    let builder = EngineBuilder::with_store(Arc::clone(&store), Arc::new(SystemClock)).register::<diamond>();
    let builder = if listeners == Listeners::Here {
        builder.event_sink(Nothing).plugin(Recorder::new("recorder"))
    } else {
        builder
    };
    // No lease is renewed meanwhile.
    let engine = builder.lease(std::time::Duration::from_secs(3_600)).build().await.unwrap();
    store.deliver_events(listeners != Listeners::Nobody);
    engine
}

async fn run(engine: &Engine, runs: u64) {
    for number in 0..runs {
        let output = engine.start::<diamond>(FirstInput { number }).await.unwrap().output().await.unwrap();
        assert_eq!(output, 2 * number + 3);
    }
}
