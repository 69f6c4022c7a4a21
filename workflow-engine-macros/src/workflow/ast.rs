//! Workflows as they are written.

use proc_macro2::Span;
use syn::{Attribute, Ident, LitStr, Path, Type, Visibility};

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
    /// A mistake that is already reported. The step after it is not compared with the step before it.
    Hole,
}

impl Chain {
    /// Returns whether the name alone is a step.
    pub fn contains(&self, name: &Ident) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Stage(path) => path.is_ident(name),
            Step::Group { branches, .. } => branches.iter().any(|branch| branch.contains(name)),
            Step::Hole => false,
        })
    }
}
