//! `workflow!`: parse the chain (`parse`) into a tree with holes in place of mistakes (`ast`), make the graph (`valid`), and
//! generate the items (`expand`).

mod ast;
mod expand;
mod parse;
mod record;
mod valid;

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};

use crate::errors::{self, Errors};

/// The expansion of `workflow! { input }`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut workflows = Vec::new();
    let parser = |input: ParseStream<'_>| {
        workflows = parse::workflows(input, &mut errors);
        Ok(())
    };
    // The parser collects its mistakes in `errors` and reads all tokens.
    let read = parser.parse2(input);
    errors.take(read);
    if workflows.is_empty() && errors.is_empty() {
        errors.push(errors::workflow::nothing());
    }
    let items: TokenStream = workflows
        .iter()
        .map(|workflow| {
            let graph = valid::Graph::new(workflow, &mut errors);
            let mut items = expand::expand(&graph);
            items.extend(workflow.options.names.expand(workflow.options.krate.as_ref()));
            items
        })
        .collect();
    let mut expansion = errors.to_compile_errors();
    expansion.extend(items);
    expansion
}
