//! A stage as a type, and what it declares about itself.

use std::panic::Location;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::check::Node;
use super::check_function::{CheckFunction, Waits};
use super::context::StageContext;
use super::cost::Cost;
use super::edge::InputTypes;
use super::failure::StageError;
use super::json::Json;
use super::payload::{Payload, Storable};
use super::retry::RetryPolicy;
use super::table::StageRow;
use super::wait::WaitDefinition;

/// A stage; implemented by [`#[stage]`](macro@crate::stage) for the type that it puts beside the function.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// /// Counts the words of a text.
/// #[stage]
/// async fn count_words(text: String) -> StageResult<usize> {
///     Ok(text.split_whitespace().count())
/// }
///
/// assert_eq!(count_words::DECLARATION.id, "count-words");
/// assert_eq!(count_words::DECLARATION.description, "Counts the words of a text.");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stage",
    label = "not a stage",
    note = "a stage is an async function with `#[stage]` on it"
)]
pub trait Stage: Sized + Send + Sync + 'static {
    /// The function's plain parameters as one structure; [`NoInput`](crate::NoInput) without any.
    type Input: Payload + InputTypes;
    /// The function's `#[config]` parameters as one structure; [`NoConfig`](crate::NoConfig) without any.
    type Config: Payload;
    /// What it returns when it succeeds; of a stage that waits, what its check delivers.
    type Output: Storable;

    /// Which function this stage is.
    const PATH: StagePath = Self::DECLARATION.path;
    /// What the stage says about itself.
    const DECLARATION: StageDeclaration;

    /// What [`Known`](super::private::Known) asks for.
    #[doc(hidden)]
    const IS_STAGE: usize = 0;

    /// The stage as [`Node`] of a graph.
    #[doc(hidden)]
    const NODE: Node = Node::of(Self::PATH, Self::DECLARATION);

    /// The stage as a row of a workflow's table.
    #[doc(hidden)]
    const ROW: StageRow = StageRow::of::<Self>();

    /// Calls the function, and answers what it returned in its stored form: the output, or the ticket of a stage that
    /// waits. The context holds the stored outputs of the stages that this one requires.
    ///
    /// The future is boxed here, where its type is known, because `-> impl Future + Send` costs the compiler twice
    /// as long, and every caller boxes it anyway.
    fn run(input: Self::Input, config: Self::Config, context: StageContext) -> Running<Json>;
}

/// The running function of a stage.
pub type Running<T> = BoxFuture<'static, Result<T, StageError>>;

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

    /// The stage `S`, which this declares, waits.
    #[doc(hidden)]
    #[must_use]
    pub const fn waits<S: Waits>(mut self, wait: WaitDefinition) -> Self {
        self.check_requires = <S::Check as CheckFunction>::REQUIRES;
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
    /// The stage `R` must run before the one that says this.
    #[doc(hidden)]
    #[must_use]
    pub const fn required<R: Stage>() -> Self {
        Self { path: R::PATH, optional: false }
    }

    /// The stage `R` must run before the one that says this, where the workflow has it.
    #[doc(hidden)]
    #[must_use]
    pub const fn optional<R: Stage>() -> Self {
        Self { path: R::PATH, optional: true }
    }
}

/// Which function a stage is: equal for equal functions, however they were imported or renamed.
///
/// Line and column belong to it because two stages inside two function bodies share the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StagePath {
    /// The path of the module, `app::stages`.
    pub module: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// The line of its `#[stage]`.
    pub line: u32,
    /// The column of its `#[stage]`.
    pub column: u32,
    hash: u64,
}

impl StagePath {
    /// The stage whose attribute calls this.
    ///
    /// The place is looked up when the constant is computed: `line!()` would be another token after an edit above it,
    /// and everything that is generated be checked again.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn here(module: &'static str, name: &'static str) -> Self {
        let place = Location::caller();
        Self::new(module, name, place.line(), place.column())
    }

    const fn new(module: &'static str, name: &'static str, line: u32, column: u32) -> Self {
        let mut hash = fnv1a(0xcbf2_9ce4_8422_2325, module.as_bytes());
        hash = fnv1a(hash, b"::");
        hash = fnv1a(hash, name.as_bytes());
        hash = fnv1a(hash, &line.to_le_bytes());
        hash = fnv1a(hash, &column.to_le_bytes());
        Self { module, name, line, column, hash }
    }

    /// `==` for constants. The hash comes first: a thousand stages are compared pairwise at compile time, and
    /// the texts of two stages that differ are then never looked at.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.line == other.line
            && self.column == other.column
            && same_text(self.name, other.name)
            && same_text(self.module, other.module)
    }
}

/// FNV-1a ([the authors' page](http://www.isthe.com/chongo/tech/comp/fnv/)): a few instructions a byte, `const`.
const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// `==` of texts for constants.
pub(super) const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
