//! Injected defects: the behaviour of an engine with one of the usual mistakes. Each is implemented between a kernel
//! and its store, by changing the calls to the store, so the engine itself contains none of them. Since the test finds
//! each of them, it would find them, and similar ones, in the engine.

mod decisions;
mod defective;

use std::collections::HashMap;
use std::sync::Mutex;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use workflow_engine::RunId;

pub use self::defective::Defective;
use crate::machine::Case;

/// An injected mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// An outcome is written without regard to the lease.
    NoFence,
    /// The end of a lease is computed from the clock of its process, which is 10 seconds slow.
    AppClockLease,
    /// The stages that a completion makes ready are queued in a second transaction.
    EnqueueAfterCommit,
    /// The key of a command is stored in a second transaction.
    KeyInSecondTransaction,
    /// A cancellation is written even if the run has changed meanwhile.
    CancelUnguarded,
    /// An attempt counts when its outcome is committed, so a lost attempt does not count.
    AttemptCountedAtItsEnd,
    /// The reaper ignores the limit of attempts, so a stage that kills its process is retried for ever.
    ReapWithoutCap,
    /// Sequences are assigned when the decision is made.
    SequenceFromDecide,
    /// A completion releases each successor twice.
    ReleasedTwice,
    /// A skip spreads to the stage after the choice.
    SkipSpreads,
    /// A returned job keeps its lease.
    HandBackKeepsLease,
    /// A run that ends keeps the jobs of its open stages.
    EndedRunKeepsJobs,
    /// A rerun runs only its stage and the successors, and leaves cancelled siblings as they are.
    RerunForgetsSiblings,
    /// A wake that arrives while a check is running is lost.
    WakeDuringCheckIsLost,
    /// A heartbeat extends the newest lease of the job, even if another process holds it.
    HeartbeatForOthers,
    /// Events are marked as delivered when they are read.
    MarkedBeforeDelivery,
    /// A flusher's claim has no lease, so another flusher can claim the same deliveries.
    FlushWithoutLease,
    /// The reaper takes each worker of which it knows nothing for dead.
    UnknownIsDead,
    /// A wait that begins does not notice the signals that came before.
    EarlySignalIsLost,
    /// A wait times out although a signal has arrived since its last check began.
    TimeOutBeatsSignal,
    /// A second signal is acknowledged while the first one waits to be consumed.
    TwoSignalsWin,
    /// A run fails at its deadline even if it has changed since it was found.
    DeadlineUnguarded,
    /// A stage after a delay is due at once.
    DelayIsForgotten,
    /// A rerun from a stage after a delay waits for the delay again.
    RerunDelaysAgain,
    /// The end of a child does not wake the stage that waits for it.
    ParentSleepsOn,
    /// What cancels a stage does not end the child for which it waits.
    ChildIsForgotten,
    /// A child is created in a second transaction, after its parent waits for it.
    ChildStartsLater,
    /// A tick starts a run even if another process has handled it meanwhile.
    TickUnguarded,
    /// A tick moves its schedule in a second transaction, after that of its run.
    TickMovesLater,
}

impl Defect {
    const ALL: [Self; 29] = [
        Self::NoFence,
        Self::AppClockLease,
        Self::EnqueueAfterCommit,
        Self::KeyInSecondTransaction,
        Self::CancelUnguarded,
        Self::AttemptCountedAtItsEnd,
        Self::ReapWithoutCap,
        Self::SequenceFromDecide,
        Self::ReleasedTwice,
        Self::SkipSpreads,
        Self::HandBackKeepsLease,
        Self::EndedRunKeepsJobs,
        Self::RerunForgetsSiblings,
        Self::WakeDuringCheckIsLost,
        Self::HeartbeatForOthers,
        Self::MarkedBeforeDelivery,
        Self::FlushWithoutLease,
        Self::UnknownIsDead,
        Self::EarlySignalIsLost,
        Self::TimeOutBeatsSignal,
        Self::TwoSignalsWin,
        Self::DeadlineUnguarded,
        Self::DelayIsForgotten,
        Self::RerunDelaysAgain,
        Self::ParentSleepsOn,
        Self::ChildIsForgotten,
        Self::ChildStartsLater,
        Self::TickUnguarded,
        Self::TickMovesLater,
    ];
}

/// The state that the processes of a defective engine share beside their store.
#[derive(Default)]
pub struct Shared {
    /// The sequences that were assigned to each run's events, in the order of their commits.
    pub sequences: Mutex<HashMap<RunId, Vec<u64>>>,
}

impl Shared {
    /// Returns the runs, each with the number of its events that have a sequence.
    fn counts(&self) -> Vec<(RunId, u64)> {
        let sequences = self.sequences.lock().expect("a failed test goes no further");
        sequences.iter().map(|(run_id, assigned)| (*run_id, assigned.len() as u64)).collect()
    }
}

/// Far more cases than any defect needs.
const CASES: u32 = 2_000;

#[test]
fn each_defect_is_found() {
    let missed: Vec<Defect> = Defect::ALL.into_iter().filter(|defect| find(*defect).is_none()).collect();
    assert!(missed.is_empty(), "{CASES} cases did not find {missed:?}");
}

/// Runs the same cases each time until one fails; prints which, and why.
fn find(defect: Defect) -> Option<()> {
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let cases = Mutex::new(0);
    let outcome = runner.run(&Case::sequential_strategy(crate::STEPS), |(mut case, steps, _)| {
        *cases.lock().expect("nothing panics under this lock") += 1;
        case.defect = Some(defect);
        // The last argument serves the shrinking of a failure, and these failures are not shrunk.
        Case::test_sequential(config.clone(), case, steps, None);
        Ok(())
    });
    let cases = *cases.lock().expect("nothing panics under this lock");
    match outcome {
        Err(TestError::Fail(reason, _)) => {
            let reason = reason.message().lines().take(3).collect::<Vec<_>>().join(" ");
            println!("{defect:?}: found by case {cases}: {reason}");
            Some(())
        }
        _ => None,
    }
}
