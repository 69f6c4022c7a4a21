//! What runs with a wait, a delay, a caught failure or a child cost, above runs of a chain with as many stages.

use tests::events::wait_for;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

use super::{Cost, FirstInput, RUNS, end, first, left, run_as};

/// The most that one run costs more than a run of a chain.
pub struct Above {
    pub commits: u64,
    pub rows: u64,
    pub statements_on_sqlite: u64,
    pub statements_on_postgres: u64,
}

impl Above {
    /// Compares the cost of the runs with that of as many runs of a chain.
    pub fn check(&self, plain: Cost, runs: Cost, statements: u64) {
        println!("plain: {plain}\nthese: {runs}");
        let more = |plain: u64, each: u64| plain + each * RUNS + 2 * Cost::SLACK;
        assert!(runs.transactions <= more(plain.transactions, self.commits), "{runs} instead of {plain}");
        assert!(runs.requests <= more(plain.requests, self.commits), "{runs} instead of {plain}");
        assert!(runs.statements <= more(plain.statements, statements), "{runs} instead of {plain}");
        assert!(runs.rows <= more(plain.rows, self.rows), "{runs} instead of {plain}");
    }
}

#[stage(signal = u64, give_up_after = "7d")]
pub(super) async fn ask(number: u64) -> StageResult<u64> {
    Ok(number)
}

workflow! { pub(super) asking = first >> ask >> end }

/// The commits of a wait: of the question, of the signal, the claim of the check that takes it, and up to three claims with
/// which an idle worker finds that nothing else is due.
///
/// Its rows: the signal and its consumption; the stage and its job, which a run that waits for nothing describes in its own
/// row, with their changes; the run and its events in each commit.
///
/// Its statements on SQLite: each of its commits loads and writes some rows that a run without a wait does not have. On
/// PostgreSQL: one or two for each commit, and one for each queue that a commit reads or writes.
pub const SIGNAL: Above =
    Above { commits: 6, rows: 13, statements_on_sqlite: 40, statements_on_postgres: 16 };

/// Executes runs, each of which receives a signal while it waits.
pub async fn with_signals(engine: &Engine, runs: u64) {
    for number in 0..runs {
        let run = engine.start::<asking>(FirstInput { number }).await.unwrap();
        wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
        run.signal::<ask>(number + 1).await.unwrap();
        assert_eq!(run.output().await.unwrap(), number + 1);
    }
}

workflow! { pub(super) delayed = first >> delay("5ms") >> left >> end }

/// The claim of the delayed stage, and up to three with which an idle worker finds that nothing is due yet. Its rows: the run
/// and its events, and the stage and its job, which a run without a delay describes in its own row.
pub const DELAY: Above = Above { commits: 4, rows: 7, statements_on_sqlite: 24, statements_on_postgres: 8 };

/// Executes runs, each of which is delayed.
pub async fn with_delays(engine: &Engine, runs: u64) {
    run_as::<delayed>(engine, runs).await;
}

#[stage]
pub(super) async fn refuse(number: u64) -> StageResult<u64> {
    Err(StageError::permanent(format!("{number} is refused")))
}

#[stage]
pub(super) async fn recover(
    refused: Result<u64, StageFailure>,
    #[require(first)] number: &u64,
) -> StageResult<u64> {
    Ok(refused.unwrap_or(*number + 1))
}

workflow! { pub(super) catching = first >> catch(refuse) >> recover }

/// The claim of the stage that takes the failure, and one with which an idle worker finds that nothing else is due. The stage
/// that has failed, the one that follows, and their jobs have rows.
pub const CAUGHT: Above = Above { commits: 2, rows: 7, statements_on_sqlite: 12, statements_on_postgres: 4 };

/// Executes runs, each of which catches the failure of a stage.
pub async fn with_failures(engine: &Engine, runs: u64) {
    run_as::<catching>(engine, runs).await;
}

workflow! {
    pub(super) inner = left;
    pub(super) outer = first >> inner >> end;
}

/// The child is a run of its own, with its rows and three commits; then the claim of the check that its end makes due, the
/// completion of the stage, and those with which an idle worker finds that nothing else is due.
pub const CHILD: Above = Above { commits: 7, rows: 17, statements_on_sqlite: 42, statements_on_postgres: 16 };

/// Executes runs, each of which waits for a child of one stage.
pub async fn with_children(engine: &Engine, runs: u64) {
    run_as::<outer>(engine, runs).await;
}
