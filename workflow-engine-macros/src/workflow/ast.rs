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

/// What `#[workflow(…)]` says.
#[derive(Default)]
pub struct Options {
    pub id: Option<LitStr>,
    pub name: Option<LitStr>,
    pub version: Option<u32>,
    pub krate: Option<Path>,
    /// As far as they are typed.
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
    /// A mistake stood here, and has been reported: what comes after it is not compared with what came before.
    Hole,
}
