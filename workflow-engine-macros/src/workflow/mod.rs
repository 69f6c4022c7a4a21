//! `workflow!`: read the chain (`parse`) into a tree that has holes where there are mistakes (`ast`), make the
//! graph of it (`valid`), write the items (`expand`).

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
    // The parser keeps its mistakes to itself and reads everything.
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
