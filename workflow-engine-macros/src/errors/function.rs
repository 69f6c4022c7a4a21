//! Functions, be they stages or checks.

use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

use super::{on, source};
use crate::function::Kind;

pub fn not_a_function(kind: Kind, span: Span) -> Error {
    Error::new(span, format!("`#[{kind}]` goes on an async function"))
}

pub fn not_async(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} is an async function: write `async fn`"))
}

pub fn qualifier(kind: Kind, token: impl ToTokens, what: &str) -> Error {
    on(token, format!("a {kind} is a plain async function: it cannot be `{what}`"))
}

pub fn generics(kind: Kind, token: impl ToTokens) -> Error {
    let reason = match kind {
        Kind::Stage => "its values are stored under its one id, so each has one type",
        Kind::Check => "its ticket is stored, so it has one type",
    };
    on(token, format!("a {kind} has no generic parameters: {reason}"))
}

pub fn where_clause(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} has no generic parameters and no `where` clause"))
}

pub fn receiver(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        format!(
            "a {kind} is a free function: move it out of the `impl` and hand in what it needs as a parameter"
        ),
    )
}

pub fn variadic(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} takes a fixed number of parameters"))
}

pub fn no_output(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        match kind {
            Kind::Stage => {
                "a stage returns its output: write `-> StageResult<…>`, or `-> StageResult<()>` for none"
            }
            Kind::Check => "a check returns what it found: write `-> StageResult<Check<…>>`",
        },
    )
}

pub fn no_result(kind: Kind, token: impl ToTokens) -> Error {
    let written = source(&token);
    on(
        token,
        match kind {
            Kind::Stage => {
                format!("a stage returns its output or why it has none: write `StageResult<{written}>`")
            }
            Kind::Check if written.starts_with("Check") => {
                format!("a check returns what it found or why it cannot say: write `StageResult<{written}>`")
            }
            Kind::Check => format!(
                "a check returns what it found or why it cannot say: write `StageResult<Check<{written}>>`"
            ),
        },
    )
}

pub fn impl_trait(kind: Kind, token: impl ToTokens, what: &str) -> Error {
    on(token, format!("a {kind}'s {what} is stored, so its type must have a name: `impl Trait` has none"))
}

pub fn pattern(kind: Kind, token: impl ToTokens) -> Error {
    let of = match kind {
        Kind::Stage => "input",
        Kind::Check => "configuration",
    };
    on(
        token,
        format!("a {kind}'s parameter is a field of its {of}: give it a name and take it apart in the body"),
    )
}

pub fn borrowed_input(token: impl ToTokens) -> Error {
    on(
        token,
        "a stage's input is stored, so it is owned: take it by value (only the context, `&StageContext`, and \
         what `#[require(…)]` names are taken by reference)",
    )
}

pub fn lifetime(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        format!(
            "what a {kind} takes is stored, so it borrows nothing: write a type without lifetimes, or `'static`"
        ),
    )
}

pub fn borrowed_config(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind}'s configuration is stored, so it is owned: take it by value"))
}

pub fn mutable_reference(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} only reads what was there before it: take `&`, not `&mut`"))
}

pub fn two_contexts(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} has one context: this is the second"))
}

pub fn context_by_value(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind}'s context is taken by reference: write `&StageContext`"))
}

pub fn context_with_role(token: impl ToTokens) -> Error {
    on(token, "the context is no input, no configuration and no requirement: take this attribute away")
}

pub fn two_roles(token: impl ToTokens) -> Error {
    on(token, "a parameter is one of `#[config]`, `#[require(…)]` and `#[optional(…)]`")
}

pub fn cfg(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        match kind {
            Kind::Stage => {
                "a stage's parameter cannot depend on `#[cfg]`: its input and its configuration are stored"
            }
            Kind::Check => {
                "a check's parameter cannot depend on `#[cfg]`: its ticket and its configuration are stored"
            }
        },
    )
}

pub fn flatten_default(token: impl ToTokens) -> Error {
    on(token, "a flattened configuration has the defaults of its own fields: take `default` away")
}

pub fn expected_path(span: Span, attribute: &str) -> Error {
    Error::new(span, format!("`#[{attribute}(…)]` names a stage: write `#[{attribute}(path::to::stage)]`"))
}

pub fn optional_type(token: impl ToTokens) -> Error {
    on(token, "an optional requirement may be absent: write `Option<…>`")
}

pub fn twice(token: impl ToTokens, name: &str) -> Error {
    on(
        token,
        format!("`{name}` is required twice: once is enough, by a parameter or by an option of `#[stage]`"),
    )
}
