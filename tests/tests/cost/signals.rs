//! The cost of a signal: of runs that wait for one, above that of runs of a chain with as many stages.

use tests::events::wait_for;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

use super::{Cost, FirstInput, RUNS, end, first};

#[stage(signal = u64, give_up_after = "7d")]
pub(crate) async fn ask(number: u64) -> StageResult<u64> {
    Ok(number)
}

workflow! { pub(crate) asking = first >> ask >> end }

/// The commits of a wait: of the question, of the signal, the claim of the check that takes it, and up to three claims with
/// which an idle worker finds that nothing else is due.
const COMMITS: u64 = 6;

/// The rows of a wait: the signal and its consumption; the stage and its job, which a run that waits for nothing describes
/// in its own row, with their changes; the run and its events in each commit.
const ROWS: u64 = 13;

/// Executes runs, each of which receives a signal while it waits.
pub async fn run(engine: &Engine, runs: u64) {
    for number in 0..runs {
        let run = engine.start::<asking>(FirstInput { number }).await.unwrap();
        wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
        run.signal::<ask>(number + 1).await.unwrap();
        assert_eq!(run.output().await.unwrap(), number + 1);
    }
}

/// Compares the cost of runs that wait for a signal with that of a chain. `statements` is the most of a run.
pub fn check(plain: Cost, asking: Cost, statements: u64) {
    println!("plain: {plain}\nasking: {asking}");
    let more = |plain: u64, each: u64| plain + each * RUNS + 2 * Cost::SLACK;
    assert!(asking.transactions <= more(plain.transactions, COMMITS), "{asking} instead of {plain}");
    assert!(asking.requests <= more(plain.requests, COMMITS), "{asking} instead of {plain}");
    assert!(asking.statements <= more(plain.statements, statements), "{asking} instead of {plain}");
    assert!(asking.rows <= more(plain.rows, ROWS), "{asking} instead of {plain}");
}
