//! `workflow!`: parse the chain (`parse`) into a tree with holes in place of mistakes (`ast`), make the graph (`valid`), and
//! generate the items (`expand`, and `arms` for `match`).

mod arms;
mod ast;
mod expand;
mod input;
mod lists;
mod parse;
mod record;
mod timing;
mod valid;

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};

use self::ast::Workflow;
use crate::casing::{pascal, plain};
use crate::docs;
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
    let items: TokenStream = without_collisions(&workflows, &mut errors)
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

/// The workflows whose names, and those of their types, are not taken by one of their stages or by a workflow before them.
/// For each of the others, rustc would report a dozen errors.
fn without_collisions<'a>(
    workflows: &'a [Workflow],
    errors: &mut Errors,
) -> impl Iterator<Item = &'a Workflow> + use<'a> {
    let mut kept: Vec<&Workflow> = Vec::new();
    for workflow in workflows {
        let name = &workflow.name;
        let generated = pascal(&plain(name));
        // Under `#[cfg]`, the two may never be compiled together.
        let is_conditional = |workflow: &Workflow| docs::conditions(&workflow.attributes).next().is_some();
        let collides = |other: &&Workflow| pascal(&plain(&other.name)) == generated && !is_conditional(other);
        if !is_conditional(workflow) && kept.iter().any(collides) {
            errors.push(errors::workflow::repeated_name(name));
        } else if workflow.chain.contains(name) {
            errors.push(errors::workflow::name_of_a_stage(name));
        } else {
            kept.push(workflow);
        }
    }
    kept.into_iter()
}
