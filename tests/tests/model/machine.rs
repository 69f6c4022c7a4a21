//! The reference and the system, side by side.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::defects::Defect;
use crate::generate;
use crate::spec::Reference;
use crate::step::{Answer, Outcome, Step};
use crate::system::{Kind, System};

/// A case: the store that it runs over, and what the reference says.
#[derive(Clone, Debug)]
pub struct Case {
    /// The store.
    pub kind: Kind,
    /// What is wrong with the engine, where something is so on purpose.
    pub defect: Option<Defect>,
    reference: Reference,
    expected: Option<(Answer, Option<Answer>)>,
}

impl Case {
    /// What the latest step has come to, by name.
    pub fn names(&self) -> Vec<String> {
        let Some((answer, other)) = &self.expected else { return Vec::new() };
        let mut names = vec![name(answer)];
        if let Some(other) = other {
            names.extend([name(other), "Raced".to_owned()]);
        }
        for run in &self.reference.runs {
            if run.status.is_terminal() {
                names.push(format!("run {}", run.status));
            }
            names.extend(run.error.map(str::to_owned));
            if run.generation > 2 {
                names.push("third generation".to_owned());
            }
            names.extend(run.events.iter().filter(|event| *event == "workflow:suspended").cloned());
        }
        names
    }
}

fn name(answer: &Answer) -> String {
    let name = match answer {
        Answer::Created { .. } => "Created",
        Answer::Started(runs) if runs.is_empty() => "nothing",
        Answer::Started(_) => "Started",
        Answer::Claimed(jobs) if jobs.is_empty() => "nothing",
        Answer::Claimed(_) => "Claimed",
        Answer::Outcome(Outcome::Completed, _) => "Completed",
        Answer::Outcome(Outcome::Suspended { .. }, _) => "Suspended",
        Answer::Outcome(Outcome::Failed { retryable: true }, _) => "FailedRetryable",
        Answer::Outcome(Outcome::Failed { retryable: false }, _) => "FailedForGood",
        Answer::Outcome(Outcome::HandedBack, _) => "HandedBack",
        Answer::Outcome(Outcome::Ghost, _) => "Ghost",
        Answer::Lost(leases) if leases.is_empty() => "nothing",
        Answer::Lost(_) => "Lost",
        Answer::Reaped { failed: 1.., .. } => "WorkerLost",
        Answer::Reaped { released: 1.., .. } => "Reaped",
        Answer::Cancelled(true) => "Cancelled",
        Answer::Woken(true) => "Woken",
        Answer::Rerun { .. } => "Rerun",
        Answer::Flushed { published: 1.., .. } => "Flushed",
        Answer::Transitioned(name) | Answer::Refused(name) => name,
        Answer::Died => "Died",
        _ => "nothing",
    };
    name.to_owned()
}

impl ReferenceStateMachine for Case {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let case = Self { kind: Kind::Memory, defect: None, reference: Reference::default(), expected: None };
        Just(case).boxed()
    }

    fn transitions(case: &Self) -> BoxedStrategy<Step> {
        generate::step(&case.reference)
    }

    fn apply(mut case: Self, step: &Step) -> Self {
        case.expected = Some(case.reference.step(step));
        case
    }

    fn preconditions(case: &Self, step: &Step) -> bool {
        generate::fits(&case.reference, step)
    }
}

impl StateMachineTest for Case {
    type SystemUnderTest = System;
    type Reference = Self;

    fn init_test(case: &Self) -> System {
        System::open(case.kind, case.defect)
    }

    fn apply(mut system: System, case: &Self, step: Step) -> System {
        let answers = system.step(&step, &case.reference);
        let expected = case.expected.as_ref().expect("the reference has made this step");
        assert_eq!(&answers, expected, "the answer of {step:?}");
        system
    }

    fn check_invariants(system: &System, case: &Self) {
        system.compare(&case.reference);
    }

    fn teardown(system: System, _: Self) {
        system.close();
    }
}
