//! Workflows.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Ident};

use super::on;

pub fn nothing() -> Error {
    Error::new(Span::call_site(), "expected a workflow: write `pub my_workflow = first >> second`")
}

pub fn expected_name(span: Span) -> Error {
    Error::new(span, "expected the workflow's name: write `pub my_workflow = first >> second`")
}

pub fn expected_equals(span: Span, name: &Ident) -> Error {
    Error::new(span, format!("expected `=` and a chain of stages: write `{name} = first >> second`"))
}

pub fn expected_step(span: Span, after: &str) -> Error {
    Error::new(span, format!("expected a stage or a group `[…]` after `{after}`"))
}

pub fn not_a_step(span: Span) -> Error {
    Error::new(span, "expected a stage or a group `[…]`")
}

pub fn expected_arrow(span: Span) -> Error {
    Error::new(span, "expected `>>` between two steps")
}

pub fn missing_step(span: Span) -> Error {
    Error::new(span, "expected a stage or a group `[…]` before this `>>`")
}

pub fn empty_group(span: Span) -> Error {
    Error::new(span, "a group has branches: write `[first, second]`")
}

pub fn parentheses(span: Span) -> Error {
    Error::new(span, "a group stands in brackets: write `[first, second]`")
}

pub fn expected_segment(span: Span) -> Error {
    Error::new(span, "expected a stage's name after `::`")
}

pub fn arguments(token: impl ToTokens) -> Error {
    on(token, "a stage stands in a workflow by its path alone, without arguments")
}

pub fn no_input_type(name: &Ident, id: impl Display) -> Error {
    on(name, format!("workflow `{id}` starts with several stages: write its input, `{name}(Type) = …`"))
}

pub fn expected_input(span: Span, name: &Ident) -> Error {
    Error::new(span, format!("expected one type, the workflow's input: write `{name}(Type) = …`"))
}

pub fn wide_end(span: Span, branches: usize) -> Error {
    Error::new(
        span,
        format!(
            "a workflow cannot end in a group of {branches} branches, as its output is a tuple of at most 16: \
             add a stage that takes nothing and requires what it needs"
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
        "a workflow takes documentation, `#[workflow(…)]`, `#[deprecated]`, `#[allow(…)]` and `#[cfg(…)]`",
    )
}
