//! The workflows that are measured. Their bodies do nothing but answer a small JSON object, so what takes time is the
//! engine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

/// What every stage answers: `{"run":7,"stage":"first","value":8}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Small {
    /// Which run it is.
    pub run: u64,
    /// Who says so.
    pub stage: String,
    /// One more than the stage before.
    pub value: u64,
}

impl Small {
    /// What the stage `stage` answers in the run `run`.
    #[must_use]
    pub fn new(run: u64, stage: &str, value: u64) -> Self {
        Self { run, stage: stage.to_owned(), value }
    }

    fn next(&self, stage: &str) -> Self {
        Self::new(self.run, stage, self.value + 1)
    }
}

/// Runs whose last body has run in this process.
static ENDING: AtomicU64 = AtomicU64::new(0);

/// In how many runs the last body has run in this process: few moments later their last commit is done.
#[must_use]
pub fn ending() -> u64 {
    ENDING.load(Ordering::Relaxed)
}

/// Begins.
#[stage]
pub async fn first(run: u64) -> StageResult<Small> {
    Ok(Small::new(run, "first", 0))
}

/// Goes left.
#[stage]
pub async fn left(first: Small) -> StageResult<Small> {
    Ok(first.next("left"))
}

/// Goes right.
#[stage]
pub async fn right(first: Small) -> StageResult<Small> {
    Ok(first.next("right"))
}

/// Joins.
#[stage]
pub async fn last(left: Small, right: Small) -> StageResult<Small> {
    ENDING.fetch_add(1, Ordering::Relaxed);
    Ok(Small::new(left.run, "last", left.value + right.value))
}

workflow! {
    /// `first >> [left, right] >> last`: W1 and W2.
    pub diamond = first >> [left, right] >> last
}

/// One link of the chain a line.
macro_rules! links {
    ($($name:ident)*) => { $(
        /// A link of the chain.
        #[stage]
        pub async fn $name(before: Small) -> StageResult<Small> {
            Ok(before.next(stringify!($name)))
        }
    )* };
}

links! { second third fourth fifth sixth seventh eighth ninth }

/// The end of the chain.
#[stage]
pub async fn tenth(before: Small) -> StageResult<Small> {
    ENDING.fetch_add(1, Ordering::Relaxed);
    Ok(before.next("tenth"))
}

workflow! {
    /// Ten stages, one after another: W3.
    pub chain = first >> second >> third >> fourth >> fifth >> sixth >> seventh >> eighth >> ninth >> tenth
}

/// Microseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Answers when its body ran, in microseconds since 1970.
#[stage]
pub async fn look_at_clock(number: u64) -> StageResult<u64> {
    let _ = number;
    Ok(now())
}

workflow! {
    /// One stage that answers when it ran: how soon somebody reacts.
    pub clock = look_at_clock
}

/// Takes 20 ms, without a processor.
#[stage]
pub async fn rest(number: u64) -> StageResult<u64> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(number)
}

/// Rests again.
#[stage]
pub async fn rest_again(number: u64) -> StageResult<u64> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(number)
}

workflow! {
    /// What keeps a worker's slots taken, in two stages.
    pub resting = rest >> rest_again
}

/// The ticket of something that takes days.
#[stage(check = never, poll_every = "1d")]
pub async fn submit(number: u64) -> StageResult<u64> {
    Ok(number)
}

/// Not today.
#[check]
pub async fn never(ticket: &u64) -> StageResult<Check<u64>> {
    let _ = ticket;
    Ok(Check::Pending)
}

workflow! {
    /// One stage that waits for a day.
    pub waiting = submit
}

/// A large text.
#[stage]
pub async fn inflate(mebibytes: usize) -> StageResult<String> {
    Ok("x".repeat(mebibytes << 20))
}

workflow! {
    /// One stage with a large output.
    pub large = inflate
}
