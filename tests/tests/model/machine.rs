//! The reference and the system, side by side.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::defects::Defect;
use crate::generate;
use crate::spec::Reference;
use crate::step::{Answer, Step};
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

impl ReferenceStateMachine for Case {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let case =
            Self { kind: Kind::Memory, defect: None, reference: Reference::default(), expected: None };
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
