//! The declaration of a stage, independent of any workflow.

use std::time::Duration;

use super::child_workflow::ChildWorkflow;
use super::retry::RetryPolicy;
use super::stage_path::StagePath;
use super::state_type::StateType;
use super::wait::WaitDefinition;
use crate::value::Cost;

/// The declaration of a stage, independent of any workflow: the options of `#[stage(…)]` and their defaults.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StageDeclaration {
    /// The identity of the function.
    pub path: StagePath,
    /// The id: the option `id`, or the function's name in kebab case.
    pub id: &'static str,
    /// The name: the option `name`, or the function's name in title case.
    pub name: &'static str,
    /// The option `version`; default 1.
    pub version: u32,
    /// The doc comment.
    pub description: &'static str,
    /// The retry policy.
    pub retry: RetryPolicy,
    /// The longest time for one attempt; `None` for no limit.
    pub timeout: Option<Duration>,
    /// The highest cost of the stage's AI calls in one run; `None` for no limit other than the run's budget.
    pub budget: Option<Cost>,
    /// The behaviour if a call would exceed a budget.
    pub over_budget: OverBudget,
    /// The required and the optional stages.
    pub requires: &'static [Requirement],
    /// The required and the optional stages of the stage's check.
    pub check_requires: &'static [Requirement],
    /// The types of the function's `#[state]` parameters.
    pub state: &'static [StateType],
    /// The types of the `#[state]` parameters of the stage's check.
    pub check_state: &'static [StateType],
    /// How the stage waits; `None` for a stage that does not wait.
    pub wait: Option<WaitDefinition>,
    /// The workflow that the stage runs, where it is one.
    pub child: Option<ChildWorkflow>,
}

impl StageDeclaration {
    /// A declaration with the defaults of all options.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        path: StagePath,
        id: &'static str,
        name: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            path,
            id,
            name,
            version: 1,
            description,
            retry: RetryPolicy::DEFAULT,
            timeout: None,
            budget: None,
            over_budget: OverBudget::Fail,
            requires: &[],
            check_requires: &[],
            state: &[],
            check_state: &[],
            wait: None,
            child: None,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn timeout_millis(mut self, millis: u64) -> Self {
        self.timeout = Some(Duration::from_millis(millis));
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn budget_picodollars(mut self, picodollars: i64) -> Self {
        self.budget = Some(Cost::from_picodollars(picodollars));
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn waits_over_budget(mut self) -> Self {
        self.over_budget = OverBudget::Wait;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn requires(mut self, requires: &'static [Requirement]) -> Self {
        self.requires = requires;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn state(mut self, state: &'static [StateType]) -> Self {
        self.state = state;
        self
    }

    /// The stage starts a run of this workflow, and waits for its end.
    #[must_use]
    pub(crate) const fn runs(mut self, child: ChildWorkflow) -> Self {
        self.child = Some(child);
        self
    }

    /// The stage waits, and its check requires these stages and takes this state.
    #[doc(hidden)]
    #[must_use]
    pub const fn waits(
        mut self,
        wait: WaitDefinition,
        check_requires: &'static [Requirement],
        check_state: &'static [StateType],
    ) -> Self {
        self.check_requires = check_requires;
        self.check_state = check_state;
        self.wait = Some(wait);
        self
    }
}

/// The behaviour if an attempt fails because its last AI call would have exceeded the budget of the stage or of the run:
/// the option `#[stage(over_budget = wait)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverBudget {
    /// The stage and its run fail, with the code `BUDGET_EXCEEDED`.
    #[default]
    Fail,
    /// The stage waits until the budget is raised
    /// ([`AnyRun::raise_budget`](crate::AnyRun::raise_budget)). The attempt does not count.
    Wait,
}

/// A stage whose output another stage reads.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Requirement {
    /// The stage to read.
    pub path: StagePath,
    /// Whether a workflow can omit it.
    pub optional: bool,
}

impl Requirement {
    /// The stage must be in the workflow and run before the stage that declares this.
    #[doc(hidden)]
    #[must_use]
    pub const fn required(path: StagePath) -> Self {
        Self { path, optional: false }
    }

    /// The stage must run before the stage that declares this, if the workflow contains it.
    #[doc(hidden)]
    #[must_use]
    pub const fn optional(path: StagePath) -> Self {
        Self { path, optional: true }
    }
}
