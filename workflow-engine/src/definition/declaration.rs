//! What a stage declares about itself, before it stands in any workflow.

use std::time::Duration;

use super::retry::RetryPolicy;
use super::stage_path::StagePath;
use super::wait::WaitDefinition;
use crate::value::Cost;

/// What a stage says about itself, before it stands in any workflow.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StageDeclaration {
    /// Which function it is.
    pub path: StagePath,
    /// Kebab case of the function's name, or what `#[stage(id = "…")]` says.
    pub id: &'static str,
    /// Title case of the function's name, or what `#[stage(name = "…")]` says.
    pub name: &'static str,
    /// What `#[stage(version = N)]` says; default 1.
    pub version: u32,
    /// The doc comment.
    pub description: &'static str,
    /// When a failed attempt is followed by another.
    pub retry: RetryPolicy,
    /// How long one attempt may take; `None` for as long as it wants.
    pub timeout: Option<Duration>,
    /// What its calls of models may cost in one run; `None` for as much as the run may spend.
    pub budget: Option<Cost>,
    /// What follows when a call would cost more than it or its run may spend.
    pub over_budget: OverBudget,
    /// The stages that it requires, and those that it reads where a workflow has them.
    pub requires: &'static [Requirement],
    /// The same of its check, where it has one.
    pub check_requires: &'static [Requirement],
    /// How it waits, if it does.
    pub wait: Option<WaitDefinition>,
}

impl StageDeclaration {
    /// A declaration with the defaults of everything that `#[stage(…)]` did not mention.
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
            wait: None,
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

    /// The stage waits, and its check requires these stages.
    #[doc(hidden)]
    #[must_use]
    pub const fn waits(mut self, wait: WaitDefinition, check_requires: &'static [Requirement]) -> Self {
        self.check_requires = check_requires;
        self.wait = Some(wait);
        self
    }
}

/// What follows when an attempt fails whose last call of a model was refused, for it would have cost more than the
/// stage or its run may spend: `#[stage(over_budget = wait)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverBudget {
    /// The stage fails for good, and with it the run, with the code `BUDGET_EXCEEDED`.
    #[default]
    Fail,
    /// The attempt does not count, and the next one is made when the budget is raised
    /// ([`RunHandle::raise_budget`](crate::RunHandle::raise_budget)).
    Wait,
}

/// A stage that another one reads.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Requirement {
    /// Which stage.
    pub path: StagePath,
    /// Whether a workflow may do without it.
    pub optional: bool,
}

impl Requirement {
    /// This stage must run before the one that says this.
    #[doc(hidden)]
    #[must_use]
    pub const fn required(path: StagePath) -> Self {
        Self { path, optional: false }
    }

    /// This stage must run before the one that says this, where the workflow has it.
    #[doc(hidden)]
    #[must_use]
    pub const fn optional(path: StagePath) -> Self {
        Self { path, optional: true }
    }
}
