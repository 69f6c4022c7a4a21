//! The kernel against a reference: the same random commands, crashes, lost answers, races and late outcomes, and after
//! each step the same answers, rows, events and deliveries.
//!
//! `spec/` says what must happen, in plain data; `system/` makes it happen with three kernels over one store.
//! `MODEL_CASES` multiplies the number of cases, `PROPTEST_RNG_SEED` repeats them.

mod workflows;
mod step;
mod spec;
mod generate;
mod machine;
mod system;
mod defects;

use proptest::test_runner::{Config, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::machine::Case;
use crate::step::Step;
use crate::system::Kind;

/// Steps of a case, at most.
const STEPS: usize = 60;

#[test]
fn in_memory() {
    hold_to_the_reference(Kind::Memory, 2_000);
}

#[test]
fn on_sqlite() {
    hold_to_the_reference(Kind::Sqlite, 200);
}

#[test]
fn on_postgres() {
    if tests::postgres::is_available("model::on_postgres") {
        hold_to_the_reference(Kind::Postgres, 100);
        system::close_reused();
    }
}

fn hold_to_the_reference(kind: Kind, cases: u32) {
    let factor = std::env::var("MODEL_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let config = Config { cases: cases * factor, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config.clone());
    let outcome = runner.run(&Case::sequential_strategy(1..STEPS), |(mut case, steps, seen)| {
        case.kind = kind;
        Case::test_sequential(config.clone(), case, steps, seen);
        Ok(())
    });
    if let Err(TestError::Fail(why, (_, steps, _))) = outcome {
        panic!("{why}\nafter these steps:\n{}", listed(&steps));
    }
    outcome.expect("no case was rejected");
}

fn listed(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("  {step:?}\n")).collect()
}
