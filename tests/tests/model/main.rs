//! Compares the kernel with a reference. Both execute the same random commands, with crashes, lost responses, races and
//! late outcomes, and after each step they must agree on responses, rows, events and deliveries.
//!
//! `spec/` is the reference, in plain data; `system/` runs three kernels over one store. `MODEL_CASES` multiplies the
//! number of cases, `PROPTEST_RNG_SEED` repeats them.

mod workflows;
mod step;
mod spec;
mod generate;
mod machine;
mod system;
mod defects;

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::machine::Case;
use crate::step::Step;
use crate::system::Kind;

/// The number of steps in a case.
const STEPS: std::ops::Range<usize> = 30..90;

#[test]
fn in_memory() {
    compare_with_the_reference(Kind::Memory, 2_000);
}

#[test]
fn on_sqlite() {
    compare_with_the_reference(Kind::Sqlite, 200);
}

#[test]
fn on_postgres() {
    if tests::postgres::is_available("model::on_postgres") {
        compare_with_the_reference(Kind::Postgres, 100);
        system::close_reused();
    }
}

/// The generated cases reach every response and state: a reference whose cases reach little would agree with any
/// kernel.
#[test]
fn the_cases_reach_every_state() {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let seen = Mutex::new(BTreeMap::<String, usize>::new());
    let outcome = runner.run(&Case::sequential_strategy(STEPS), |(mut case, steps, _)| {
        for step in &steps {
            case = <Case as ReferenceStateMachine>::apply(case, step);
            let mut seen = seen.lock().expect("nothing panics under this lock");
            case.names().into_iter().for_each(|name| *seen.entry(name).or_default() += 1);
        }
        Ok(())
    });
    outcome.expect("the reference handles every step");
    let seen = seen.into_inner().expect("nothing panics under this lock");
    let expected = [
        "Claimed",
        "Created",
        "Died",
        "Superseded",
        "Completed",
        "Suspended",
        "HandedBack",
        "FailedRetryable",
        "FailedForGood",
        "Flushed",
        "Lost",
        "Reaped",
        "WorkerLost",
        "Rerun",
        "Started",
        "Woken",
        "Signalled",
        "early signal",
        "Overdue",
        "Ended",
        "CHILD_CANCELLED",
        "Ticked",
        "Moved",
        "Cancelled",
        "Raced",
        "advanced",
        "completed",
        "failed",
        "noop",
        "IDEMPOTENCY_CONFLICT",
        "STORE_UNAVAILABLE",
        "RUN_NOT_TERMINAL",
        "RUN_NEVER_STARTED",
        "ANCESTOR_NOT_COMPLETED",
        "STAGE_SKIPPED",
        "STAGE_NOT_FOUND",
        "run COMPLETED",
        "run FAILED",
        "run CANCELLED",
        "WAIT_TIMED_OUT",
        "DEADLINE_EXCEEDED",
        "NOT_A_SIGNAL_STAGE",
        "SIGNAL_TOO_LATE",
        "RUN_OVER",
        "workflow:suspended",
        "stage:skipped",
        "third generation",
    ];
    let rare: Vec<_> =
        expected.into_iter().filter(|name| seen.get(*name).is_none_or(|&times| times < 3)).collect();
    assert!(rare.is_empty(), "300 cases rarely reach {rare:?}");
}

fn compare_with_the_reference(kind: Kind, cases: u32) {
    let factor = std::env::var("MODEL_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let config = Config { cases: cases * factor, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config.clone());
    let outcome = runner.run(&Case::sequential_strategy(STEPS), |(mut case, steps, seen)| {
        case.kind = kind;
        Case::test_sequential(config.clone(), case, steps, seen);
        Ok(())
    });
    if let Err(TestError::Fail(reason, (_, steps, _))) = outcome {
        panic!("{reason}\nafter these steps:\n{}", listed(&steps));
    }
    outcome.expect("no case was rejected");
}

fn listed(steps: &[Step]) -> String {
    let lines: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
    lines.join(
        "
",
    )
}
