//! Workflows as they are written.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, LitStr, Pat, Path, Type, Visibility};

use crate::ide::Names;

pub struct Workflow {
    pub attributes: Vec<Attribute>,
    pub options: Options,
    pub visibility: Visibility,
    pub name: Ident,
    pub input: Option<Type>,
    pub chain: Chain,
}

/// The options of `#[workflow(…)]`.
#[derive(Default)]
pub struct Options {
    pub id: Option<LitStr>,
    pub name: Option<LitStr>,
    pub version: Option<u32>,
    /// Whether unknown fields of the input are ignored.
    pub ignores_unknown_input: bool,
    /// The deadline of a run, in milliseconds.
    pub deadline: Option<u64>,
    pub krate: Option<Path>,
    /// The names of the options, also incomplete ones.
    pub names: Names,
}

/// `step >> step >> …`
#[derive(Default)]
pub struct Chain {
    pub steps: Vec<Step>,
}

pub enum Step {
    Stage(Path),
    Group {
        branches: Vec<Chain>,
        span: Span,
    },
    /// `catch(chain)`
    Catch {
        chain: Chain,
        /// The word.
        span: Span,
    },
    /// `match stage { pattern => chain, … }`, or `match catch(chain) { … }`
    Match {
        /// A stage or a `catch`.
        matched: Box<Step>,
        arms: Vec<Arm>,
        /// Whether every arm could be parsed.
        is_whole: bool,
        /// The keyword.
        span: Span,
    },
    /// `delay("7d")`: what follows it starts that much later.
    Delay {
        milliseconds: u64,
        /// The word.
        span: Span,
    },
    /// A mistake that is already reported. The step after it is not compared with the step before it.
    Hole,
}

/// `pattern [if guard] => chain`
pub struct Arm {
    pub pattern: Pat,
    pub guard: Option<Expr>,
    /// `None` for `()`.
    pub chain: Option<Chain>,
    /// Its last token.
    pub end: Span,
}

impl Chain {
    /// Returns whether the name alone is a step.
    pub fn contains(&self, name: &Ident) -> bool {
        self.steps.iter().any(|step| step.contains(name))
    }
}

impl Step {
    fn contains(&self, name: &Ident) -> bool {
        match self {
            Self::Stage(path) => path.is_ident(name),
            Self::Group { branches, .. } => branches.iter().any(|branch| branch.contains(name)),
            Self::Match { matched, arms, .. } => {
                let mut chains = arms.iter().filter_map(|arm| arm.chain.as_ref());
                matched.contains(name) || chains.any(|chain| chain.contains(name))
            }
            Self::Catch { chain, .. } => chain.contains(name),
            Self::Delay { .. } | Self::Hole => false,
        }
    }
}
