//! Defects on purpose: what this engine would do had somebody made one of the usual mistakes. Each stands between a
//! kernel and its store and changes what is asked of the store, so nothing of it is in the engine. That the test finds
//! each of them says that it would find them, and their like, in the engine.

mod decisions;
mod defective;

use std::collections::HashMap;
use std::sync::Mutex;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use workflow_engine::RunId;

pub use self::defective::Defective;
use crate::machine::Case;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// An outcome is written whoever holds the lease.
    NoFence,
    /// The end of a lease is computed from the clock of its process, which is 10 seconds late.
    AppClockLease,
    /// What a completion makes ready is queued in a second transaction.
    EnqueueAfterCommit,
    /// The key of a command is stored in a second transaction.
    KeyInSecondTransaction,
    /// A cancellation is written to whatever the run has become meanwhile.
    CancelUnguarded,
    /// An attempt counts when its outcome comes: one that is lost does not.
    AttemptCountedAtItsEnd,
    /// The reaper knows no last attempt: a stage that kills its process does so for ever.
    ReapWithoutCap,
    /// Sequences are given out where the decision is made.
    SequenceFromDecide,
    /// A completion releases each successor twice.
    ReleasedTwice,
    /// A job that is given back keeps its lease.
    HandBackKeepsLease,
    /// A run that ends keeps the jobs of its open stages.
    EndedRunKeepsJobs,
    /// A rerun runs only what comes after its stage, and leaves its cancelled siblings as they are.
    RerunForgetsSiblings,
    /// A wake that comes while a check is running is lost.
    WakeDuringCheckIsLost,
    /// A heartbeat extends the lease of whoever has the job now.
    HeartbeatForOthers,
    /// Events are marked as delivered when they are read.
    MarkedBeforeDelivery,
    /// What a flusher has claimed, another may claim at once.
    FlushWithoutLease,
}

impl Defect {
    const ALL: [Self; 16] = [
        Self::NoFence,
        Self::AppClockLease,
        Self::EnqueueAfterCommit,
        Self::KeyInSecondTransaction,
        Self::CancelUnguarded,
        Self::AttemptCountedAtItsEnd,
        Self::ReapWithoutCap,
        Self::SequenceFromDecide,
        Self::ReleasedTwice,
        Self::HandBackKeepsLease,
        Self::EndedRunKeepsJobs,
        Self::RerunForgetsSiblings,
        Self::WakeDuringCheckIsLost,
        Self::HeartbeatForOthers,
        Self::MarkedBeforeDelivery,
        Self::FlushWithoutLease,
    ];
}

/// What the processes of a defective engine share beside their store.
#[derive(Default)]
pub struct Shared {
    /// The sequences that were given out for each run's events, in the order of their commits.
    pub sequences: Mutex<HashMap<RunId, Vec<u64>>>,
}

impl Shared {
    /// The runs, each with how many of its events have a number.
    fn known(&self) -> Vec<(RunId, u64)> {
        let sequences = self.sequences.lock().expect("a failed test goes no further");
        sequences.iter().map(|(run_id, given)| (*run_id, given.len() as u64)).collect()
    }
}

/// More cases than any of them needs, by far.
const CASES: u32 = 2_000;

#[test]
fn each_defect_is_found() {
    let missed: Vec<Defect> = Defect::ALL.into_iter().filter(|defect| find(*defect).is_none()).collect();
    assert!(missed.is_empty(), "{CASES} cases did not find {missed:?}");
}

/// Runs the same cases each time, until one of them fails; says which, and why.
fn find(defect: Defect) -> Option<()> {
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let cases = Mutex::new(0);
    let outcome = runner.run(&Case::sequential_strategy(crate::STEPS), |(mut case, steps, _)| {
        *cases.lock().expect("counted outside of what fails") += 1;
        case.defect = Some(defect);
        // What was seen matters to the shrinking of a failure, and this one is not to be shrunk.
        Case::test_sequential(config.clone(), case, steps, None);
        Ok(())
    });
    let cases = *cases.lock().expect("counted outside of what fails");
    match outcome {
        Err(TestError::Fail(why, _)) => {
            let why = why.message().lines().take(3).collect::<Vec<_>>().join(" ");
            println!("{defect:?}: found by case {cases}: {why}");
            Some(())
        }
        _ => None,
    }
}
