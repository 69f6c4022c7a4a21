//! The macros of `workflow-engine`: `#[stage]`, `#[check]` and `workflow!`. Use them through that crate.
//!
//! The macros are thin: they parse, check what is visible in the tokens, and generate constants and implementations of
//! traits of `workflow-engine`. rustc checks the rest.

mod amount;
mod casing;
mod check;
mod docs;
mod dump;
mod duration;
mod errors;
mod function;
mod ide;
mod nearest;
mod options;
mod paths;
mod stage;
mod workflow;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/stage.md")]
#[proc_macro_attribute]
pub fn stage(options: TokenStream, item: TokenStream) -> TokenStream {
    let expansion = stage::expand(options.into(), item.into());
    dump::dump(&expansion);
    expansion.into()
}

#[doc = include_str!("../docs/check.md")]
#[proc_macro_attribute]
pub fn check(options: TokenStream, item: TokenStream) -> TokenStream {
    let expansion = check::expand(options.into(), item.into());
    dump::dump(&expansion);
    expansion.into()
}

#[doc = include_str!("../docs/workflow.md")]
#[proc_macro]
pub fn workflow(input: TokenStream) -> TokenStream {
    let expansion = workflow::expand(input.into());
    dump::dump(&expansion);
    expansion.into()
}
