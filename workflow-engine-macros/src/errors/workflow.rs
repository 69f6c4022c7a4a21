//! Messages about workflows.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Ident};

use super::on;

pub fn nothing() -> Error {
    Error::new(Span::call_site(), "expected a workflow: write `pub MyWorkflow = first >> second`")
}

pub fn expected_name(span: Span) -> Error {
    Error::new(span, "expected the workflow's name: write `pub MyWorkflow = first >> second`")
}

pub fn expected_equals(place: impl ToTokens, name: &Ident) -> Error {
    on(place, format!("expected `=` and a chain of stages: write `{name} = first >> second`"))
}

pub fn expected_step(place: impl ToTokens, after: &str) -> Error {
    on(place, format!("expected a stage or a group `[…]` after `{after}`"))
}

pub fn not_a_step(span: Span) -> Error {
    Error::new(span, "expected a stage or a group `[…]`")
}

pub fn expected_arrow(span: Span) -> Error {
    Error::new(span, "expected `>>` between two steps of the chain")
}

pub fn missing_step(arrow: impl ToTokens) -> Error {
    on(arrow, "expected a stage or a group `[…]` before this `>>`")
}

pub fn empty_group(span: Span) -> Error {
    Error::new(span, "a group must have at least one branch: write `[first, second]`")
}

pub fn parentheses(span: Span) -> Error {
    Error::new(span, "a group is written in square brackets: write `[first, second]`")
}

pub fn expected_segment(colons: impl ToTokens) -> Error {
    on(colons, "expected a stage's name after `::`")
}

pub fn keyword(name: &Ident) -> Error {
    on(name, format!("expected a stage's name, but `{name}` is a keyword"))
}

pub fn module(name: &Ident) -> Error {
    on(name, format!("expected a stage's path, but `{name}` is a module: write `{name}::stage`"))
}

pub fn keyword_as_name(name: &Ident, instead: &str) -> Error {
    on(name, format!("expected the workflow's name, but `{name}` is a keyword: {instead}"))
}

pub fn rusts_type(name: &Ident) -> Error {
    on(name, format!("expected a stage's path, but `{name}` is a type of Rust"))
}

pub fn dot(token: impl ToTokens) -> Error {
    on(token, "expected a stage's path: write `module::stage`")
}

pub fn comma_in_a_chain(token: impl ToTokens) -> Error {
    on(token, "expected `>>` between two steps of the chain, or `[first, second]` for stages side by side")
}

pub fn arguments(token: impl ToTokens) -> Error {
    on(token, "a stage is written as its path alone: remove the arguments")
}

pub fn no_input_type(name: &Ident, id: impl Display) -> Error {
    on(
        name,
        format!(
            "workflow `{id}` starts with several stages, so it must name its input type: write `{name}(Type) = …`"
        ),
    )
}

pub fn expected_input(span: Span, name: &Ident) -> Error {
    Error::new(span, format!("expected the type of the workflow's input: write `{name}(Type) = …`"))
}

pub fn wide_end(span: Span, branches: usize) -> Error {
    Error::new(
        span,
        format!(
            "a workflow cannot end with a group of {branches} branches of which one ends with a group: above 16 branches its \
             output is a list, with the output of one stage for each branch"
        ),
    )
}

pub fn expected_semicolon(span: Span) -> Error {
    Error::new(span, "expected `;` between two workflows")
}

pub fn expected_comma(span: Span) -> Error {
    Error::new(span, "expected `,` between the branches of a group")
}

pub fn attribute(token: impl ToTokens) -> Error {
    on(
        token,
        "a workflow cannot have this attribute, only doc comments, `#[workflow(…)]`, `#[deprecated]`, `#[allow(…)]` \
         and `#[cfg(…)]`: remove it",
    )
}

pub fn repeated_name(name: &Ident) -> Error {
    on(
        name,
        format!(
            "a workflow before this one has the name `{name}` or generates the same types: rename one of the two"
        ),
    )
}

pub fn name_of_a_stage(name: &Ident) -> Error {
    on(
        name,
        format!(
            "workflow `{name}` has the name of one of its stages, and both are types: rename the workflow"
        ),
    )
}
