//! The reference and the system, side by side.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use workflow_engine::records::Status;

use crate::defects::Defect;
use crate::generate;
use crate::spec::{Reference, Stage};
use crate::step::{Outcome, Response, Step};
use crate::system::{Kind, System};
use crate::workflows::{THEMES, Theme};

/// A case: the store that it runs over, and the state of the reference.
#[derive(Clone, Debug)]
pub struct Case {
    /// The store.
    pub kind: Kind,
    /// The defect that is injected into the engine, if any.
    pub defect: Option<Defect>,
    /// The workflows of its runs.
    theme: Theme,
    reference: Reference,
    expected: Option<(Response, Option<Response>)>,
}

impl Case {
    /// Returns the names of the responses and states that the latest step has reached.
    pub fn names(&self) -> Vec<String> {
        let Some((response, other)) = &self.expected else { return Vec::new() };
        let mut names = vec![name(response)];
        if matches!(response, Response::Ticked { moved: 1.., .. }) {
            names.push("Moved".to_owned());
        }
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
            let skips = run.events.iter().filter(|event| event.starts_with("stage:skipped"));
            names.extend(skips.map(|_| "stage:skipped".to_owned()));
            let is_early = |stage: &Stage| stage.status == Status::Pending;
            let early = run.stages.iter().enumerate().filter(|(_, stage)| is_early(stage));
            names.extend(
                early
                    .filter(|(stage, _)| run.next_signal(*stage).is_some())
                    .map(|_| "early signal".to_owned()),
            );
        }
        names
    }
}

fn name(response: &Response) -> String {
    let name = match response {
        Response::Created { .. } => "Created",
        Response::Started(runs) if runs.is_empty() => "nothing",
        Response::Started(_) => "Started",
        Response::Claimed(jobs) if jobs.is_empty() => "nothing",
        Response::Claimed(_) => "Claimed",
        Response::Outcome(Outcome::Completed, _) => "Completed",
        Response::Outcome(Outcome::Suspended { .. }, _) => "Suspended",
        Response::Outcome(Outcome::Failed { retryable: true }, _) => "FailedRetryable",
        Response::Outcome(Outcome::Failed { retryable: false }, _) => "FailedForGood",
        Response::Outcome(Outcome::HandedBack, _) => "HandedBack",
        Response::Outcome(Outcome::Superseded, _) => "Superseded",
        Response::Lost(leases) if leases.is_empty() => "nothing",
        Response::Lost(_) => "Lost",
        Response::Reaped { failed: 1.., .. } => "WorkerLost",
        Response::Reaped { released: 1.., .. } => "Reaped",
        Response::Cancelled(true) => "Cancelled",
        Response::Woken(true) => "Woken",
        Response::Signalled => "Signalled",
        Response::Overdue { failed: 1.., .. } => "Overdue",
        Response::Overdue { cancelled: 1.., .. } => "Ended",
        Response::Ticked { started: 1.., .. } => "Ticked",
        Response::Rerun { .. } => "Rerun",
        Response::Flushed { published: 1.., .. } => "Flushed",
        Response::Transitioned(name) | Response::Refused(name) => name,
        Response::Died => "Died",
        _ => "nothing",
    };
    name.to_owned()
}

impl ReferenceStateMachine for Case {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let case = |theme| Self {
            kind: Kind::Memory,
            defect: None,
            theme,
            reference: Reference::default(),
            expected: None,
        };
        prop::sample::select(THEMES).prop_map(case).boxed()
    }

    fn transitions(case: &Self) -> BoxedStrategy<Step> {
        generate::step(&case.reference, case.theme)
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
        let responses = system.step(&step, &case.reference);
        let expected = case.expected.as_ref().expect("the reference has executed this step");
        assert_eq!(&responses, expected, "the response to {step:?}");
        system
    }

    fn check_invariants(system: &System, case: &Self) {
        system.compare(&case.reference);
    }

    fn teardown(system: System, _: Self) {
        system.close();
    }
}
