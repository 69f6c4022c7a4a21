//! Runs with one crash at each commit point.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::crashing_store::{CrashingStore, Moment};
use super::drive::Driver;
use super::engine;
use super::faults::Faults;
use crate::error::ErrorCode;
use crate::language::Workflow;
use crate::ports::Store;
use crate::records::{Event, EventKind};
use crate::stores::{MemoryStore, RecordedStatements};
use crate::testing::clock::FakeClock;
use crate::value::{Json, RunId};

/// The idempotency key of the run. The second process starts the run again, because it cannot tell whether it was
/// started.
const KEY: &str = "crash-everywhere";

pub(super) async fn crash_everywhere<W: Workflow>(
    faults: &Faults,
    input: impl Fn() -> W::Input,
    check: impl Fn(W::Output),
) -> usize {
    let points = one_run::<W>(faults, input(), None, &check).await;
    for point in 0..points {
        for moment in [Moment::Before, Moment::After] {
            one_run::<W>(faults, input(), Some((point, moment)), &check).await;
        }
    }
    points
}

/// Executes one run with one crash, and returns the number of commits of its first process.
async fn one_run<W: Workflow>(
    faults: &Faults,
    input: W::Input,
    crash: Option<(usize, Moment)>,
    check: &impl Fn(W::Output),
) -> usize {
    let (clock, faults) = (FakeClock::new(), &faults.copy());
    let memory = Arc::new(MemoryStore::new(Arc::new(clock.clone())).record_statements());
    let inner: Arc<dyn Store> = Arc::clone(&memory) as _;
    let input = Json::store(&input).unwrap_or_else(|error| panic!("the input cannot be encoded: {error}"));

    let first = Arc::new(CrashingStore::new(Arc::clone(&inner), clock.clone(), crash));
    let store: Arc<dyn Store> = Arc::clone(&first) as _;
    let ended = process::<W>(&store, &clock, faults, &input, "").await;
    let run_id = match (ended, crash) {
        (Ok(run_id), _) => run_id,
        (Err(error), None) => panic!("without a crash: {error}"),
        // The second process shares only the key with the first one.
        (Err(_), Some(_)) => process::<W>(&inner, &clock, faults, &input, &first.describe())
            .await
            .unwrap_or_else(|error| panic!("{}{error}", first.describe())),
    };
    let described = first.describe();
    let engine = engine::<W>(&inner, &clock, faults).await;
    let run = engine.run_handle::<W>(run_id).await.unwrap_or_else(|error| panic!("{described}{error}"));
    let record = run.record().await.unwrap_or_else(|error| panic!("{described}{error}"));
    let code = record.error.as_ref().map(|error| error.code.as_str());
    // In production, too, a crash in the last attempt of a stage fails the run.
    if crash.is_none() || code != Some(ErrorCode::WorkerLost.as_str()) {
        let output = run.output().await.unwrap_or_else(|error| panic!("{described}{error}"));
        checked(check, output, &described);
    }
    let events = inner.events(run_id, 0, usize::MAX).await.unwrap_or_default();
    assert_events_consistent(&events, &described);
    assert_statements_committed_once::<W>(&memory.recorded_statements(), &described);
    first.commits()
}

/// Calls the test's own check, and names the crash if it panics.
fn checked<O>(check: &impl Fn(O), output: O, crash: &str) {
    let Err(panicked) = catch_unwind(AssertUnwindSafe(|| check(output))) else { return };
    let message = match panicked.downcast::<String>() {
        Ok(message) => *message,
        Err(panicked) => match panicked.downcast::<&str>() {
            Ok(message) => (*message).to_owned(),
            Err(panicked) => resume_unwind(panicked),
        },
    };
    panic!("{crash}{message}");
}

/// Simulates a process: starts the run under its key, and drives it to its end.
async fn process<W: Workflow>(
    store: &Arc<dyn Store>,
    clock: &FakeClock,
    faults: &Faults,
    input: &Json,
    crash: &str,
) -> Result<RunId, crate::Error> {
    let engine = engine::<W>(store, clock, faults).await;
    let input: W::Input = input.load().unwrap_or_else(|error| panic!("the input cannot be decoded: {error}"));
    let run = engine.start::<W>(input).idempotency_key(KEY).await?;
    Driver { engine: &engine, clock, faults, crash: crash.to_owned() }.try_drive(run.id()).await?;
    Ok(run.id())
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
        let commits = recorded.iter().filter(|statements| statements.stage_id == stage.id).count();
        assert!(commits <= 1, "{crash}the statements of stage `{}` were committed {commits} times", stage.id);
    }
}
