//! The measured workflows. Their bodies only return a small JSON object, so the engine takes most of the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

/// The output of every stage: `{"run":7,"stage":"first","value":8}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Small {
    /// The number of the run.
    pub run: u64,
    /// The stage that returned this value.
    pub stage: String,
    /// The value of the preceding stage plus one.
    pub value: u64,
}

impl Small {
    /// Creates the output of the stage `stage` in the run `run`.
    #[must_use]
    pub fn new(run: u64, stage: &str, value: u64) -> Self {
        Self { run, stage: stage.to_owned(), value }
    }

    fn next(&self, stage: &str) -> Self {
        Self::new(self.run, stage, self.value + 1)
    }
}

/// The number of runs whose last body has run in this process.
static ENDING: AtomicU64 = AtomicU64::new(0);

/// Returns in how many runs the last body has run in this process. Their last commits follow shortly.
#[must_use]
pub fn ending() -> u64 {
    ENDING.load(Ordering::Relaxed)
}

/// The first stage.
#[stage]
pub async fn first(run: u64) -> StageResult<Small> {
    Ok(Small::new(run, "first", 0))
}

/// The left branch.
#[stage]
pub async fn left(first: Small) -> StageResult<Small> {
    Ok(first.next("left"))
}

/// The right branch.
#[stage]
pub async fn right(first: Small) -> StageResult<Small> {
    Ok(first.next("right"))
}

/// Joins the branches.
#[stage]
pub async fn last(left: Small, right: Small) -> StageResult<Small> {
    ENDING.fetch_add(1, Ordering::Relaxed);
    Ok(Small::new(left.run, "last", left.value + right.value))
}

workflow! {
    /// `first >> [left, right] >> last`: W1 and W2.
    pub diamond = first >> [left, right] >> last
}

/// Defines the middle stages of the chain.
macro_rules! links {
    ($($name:ident)*) => { $(
        /// A stage in the middle of the chain.
        #[stage]
        pub async fn $name(before: Small) -> StageResult<Small> {
            Ok(before.next(stringify!($name)))
        }
    )* };
}

links! { second third fourth fifth sixth seventh eighth ninth }

/// The last stage of the chain.
#[stage]
pub async fn tenth(before: Small) -> StageResult<Small> {
    ENDING.fetch_add(1, Ordering::Relaxed);
    Ok(before.next("tenth"))
}

workflow! {
    /// Ten stages, one after another: W3.
    pub chain = first >> second >> third >> fourth >> fifth >> sixth >> seventh >> eighth >> ninth >> tenth
}

/// Returns the present time in microseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Returns when its body ran, in microseconds since 1970.
#[stage]
pub async fn read_clock(number: u64) -> StageResult<u64> {
    let _ = number;
    Ok(now())
}

workflow! {
    /// One stage that returns when it ran, to measure reaction times.
    pub clock = read_clock
}

/// Takes 20 ms without processor time.
#[stage]
pub async fn rest(number: u64) -> StageResult<u64> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(number)
}

/// Takes another 20 ms.
#[stage]
pub async fn rest_again(number: u64) -> StageResult<u64> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(number)
}

workflow! {
    /// Two stages that keep a worker's slots occupied.
    pub resting = rest >> rest_again
}

/// Returns the ticket of an operation that takes days.
#[stage(check = never, poll_every = "1d")]
pub async fn submit(number: u64) -> StageResult<u64> {
    Ok(number)
}

/// Reports that the operation is still pending.
#[check]
pub async fn never(ticket: &u64) -> StageResult<Check<u64>> {
    let _ = ticket;
    Ok(Check::Pending)
}

workflow! {
    /// One stage that waits for a day.
    pub waiting = submit
}

/// Fails, and is retried in a week.
#[stage(retry(max_attempts = 2))]
pub async fn refuse(number: u64) -> StageResult<u64> {
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    Err(StageError::retry_after(format!("number {number} is refused"), week))
}

workflow! {
    /// One stage that is retried in a week.
    pub delayed = refuse
}

/// Continues with the output of the first stage.
#[stage]
pub async fn remind(first: Small) -> StageResult<Small> {
    Ok(first.next("remind"))
}

workflow! {
    /// A stage that is due a week after the first.
    pub reminding = first >> delay("7d") >> remind
}

workflow! {
    /// A stage that is due a second after the first.
    pub pausing = first >> delay("1s") >> remind
}

/// Returns a large text.
#[stage]
pub async fn inflate(mebibytes: usize) -> StageResult<String> {
    Ok("x".repeat(mebibytes << 20))
}

workflow! {
    /// One stage with a large output.
    pub large = inflate
}
