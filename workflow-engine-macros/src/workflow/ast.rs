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
