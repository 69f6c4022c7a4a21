//! The macros of `workflow-engine`: `#[stage]` and `workflow!`. Use them through that crate.

mod casing;
mod docs;
mod duration;
mod errors;
mod options;
mod paths;
mod record;
mod stage;
mod workflow;

use proc_macro::TokenStream;

/// Makes an async function a stage.
#[proc_macro_attribute]
pub fn stage(options: TokenStream, item: TokenStream) -> TokenStream {
    stage::expand(options.into(), item.into()).into()
}

/// Declares workflows.
#[proc_macro]
pub fn workflow(input: TokenStream) -> TokenStream {
    workflow::expand(input.into()).into()
}
