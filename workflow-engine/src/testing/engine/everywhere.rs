//! One crash at every commit point.

use std::collections::HashMap;
use std::sync::Arc;

use super::crashing_store::Moment;
use super::{CrashingStore, Driver, Faults, engine};
use crate::ports::Store;
use crate::records::{Event, EventKind};
use crate::stage::Workflow;
use crate::stores::{MemoryStore, RecordedStatements};
use crate::testing::FakeClock;
use crate::value::{Json, RunId};

/// The key under which the run is started, and started again when nobody knows whether it was.
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

/// One run, with one crash; answers how many commits its first process made.
async fn one_run<W: Workflow>(
    faults: &Faults,
    input: W::Input,
    crash: Option<(usize, Moment)>,
    check: &impl Fn(W::Output),
) -> usize {
    let (clock, faults) = (FakeClock::new(), &faults.anew());
    let memory = Arc::new(MemoryStore::new(Arc::new(clock.clone())).record_statements());
    let inner: Arc<dyn Store> = Arc::clone(&memory) as _;
    let input = Json::store(&input).unwrap_or_else(|error| panic!("the input cannot be written: {error}"));

    let first = Arc::new(CrashingStore::new(Arc::clone(&inner), clock.clone(), crash));
    let store: Arc<dyn Store> = Arc::clone(&first) as _;
    let ended = process::<W>(&store, &clock, faults, &input).await;
    let run_id = match (ended, crash) {
        (Ok(run_id), _) => run_id,
        (Err(error), None) => panic!("without a crash: {error}"),
        // The next process knows nothing of the first one but its key.
        (Err(_), Some(_)) => process::<W>(&inner, &clock, faults, &input)
            .await
            .unwrap_or_else(|error| panic!("after a crash {}: {error}", shown(crash))),
    };
    let engine = engine::<W>(&inner, &clock, faults).await;
    let run = engine.run_handle::<W>(run_id).await.unwrap_or_else(|error| panic!("{error}"));
    let output = run.output().await.unwrap_or_else(|error| panic!("after a crash {}: {error}", shown(crash)));
    check(output);
    let events = inner.events(run_id, 0, usize::MAX).await.unwrap_or_default();
    judge(&events, crash);
    judge_statements::<W>(&memory.recorded_statements(), crash);
    first.commits()
}

/// What a process does: starts the run under its key, and drives it to its end.
async fn process<W: Workflow>(
    store: &Arc<dyn Store>,
    clock: &FakeClock,
    faults: &Faults,
    input: &Json,
) -> Result<RunId, crate::Error> {
    let engine = engine::<W>(store, clock, faults).await;
    let input: W::Input =
        input.load().unwrap_or_else(|error| panic!("the input cannot be read back: {error}"));
    let run = engine.start::<W>(input).idempotency_key(KEY).await?;
    Driver { engine: &engine, clock, faults }.try_drive(run.id()).await?;
    Ok(run.id())
}

fn judge(events: &[Event], crash: Option<(usize, Moment)>) {
    let crash = shown(crash);
    let sequences = events.iter().map(|event| event.sequence);
    assert!(sequences.eq(1..=events.len() as u64), "after a crash {crash}: the events have a gap");
    let mut commits: HashMap<&str, u32> = HashMap::new();
    for event in events {
        if let EventKind::StageCompleted { stage_id, .. } = &event.kind {
            *commits.entry(stage_id).or_default() += 1;
        }
    }
    for (stage, commits) in commits {
        assert_eq!(commits, 1, "after a crash {crash}: stage `{stage}` was committed {commits} times");
    }
}

/// A stage that waits commits several times; every other one once, and its statements with it.
fn judge_statements<W: Workflow>(noted: &[RecordedStatements], crash: Option<(usize, Moment)>) {
    for stage in W::definition().stages.iter().filter(|stage| stage.wait.is_none()) {
        let commits = noted.iter().filter(|noted| noted.stage_id == stage.id).count();
        assert!(
            commits <= 1,
            "after a crash {}: the statements of stage `{}` were committed {commits} times",
            shown(crash),
            stage.id
        );
    }
}

fn shown(crash: Option<(usize, Moment)>) -> String {
    match crash {
        None => "that did not happen".into(),
        Some((point, Moment::Before)) => format!("before commit {point}"),
        Some((point, Moment::After)) => format!("after commit {point}"),
    }
}
