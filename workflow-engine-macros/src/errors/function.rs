//! Messages about the function of a stage or a check.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Ident, Type};

use super::{on, source};
use crate::function::Kind;

pub fn not_a_function(kind: Kind, span: Span) -> Error {
    Error::new(span, format!("`#[{kind}]` can only be applied to an async function"))
}

pub fn not_async(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} must be an async function: write `async fn`"))
}

pub fn qualifier(kind: Kind, token: impl ToTokens, what: &str, is_async: bool) -> Error {
    let instead =
        if is_async { format!("remove `{what}`") } else { format!("write `async fn`, without `{what}`") };
    on(token, format!("a {kind} must be a plain async function: {instead}"))
}

pub fn generics(kind: Kind, token: impl ToTokens) -> Error {
    let reason = match kind {
        Kind::Stage => "each value that is stored under its id has one type",
        Kind::Check => "its ticket is stored, so it has one type",
    };
    on(token, format!("a {kind} cannot have generic parameters, because {reason}: use concrete types"))
}

pub fn where_clause(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} cannot have generic parameters or a `where` clause: use concrete types"))
}

pub fn method(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        format!(
            "a {kind} must be a free function: move it out of the `impl` block or trait, and pass what it needs as parameters"
        ),
    )
}

pub fn no_body(kind: Kind, name: &Ident) -> Error {
    on(name, format!("a {kind} must be a free function with a body: a trait cannot declare one"))
}

pub fn twice_applied(kind: Kind, attribute: impl ToTokens) -> Error {
    on(attribute, format!("this function is a {kind} already: remove this attribute"))
}

pub fn name_of_a_type(kind: Kind, name: &Ident) -> Error {
    on(
        name,
        format!(
            "a {kind} cannot be named `{name}`, because the type that `#[{kind}]` generates has its name and would hide Rust's \
             `{name}`: rename the function"
        ),
    )
}

pub fn variadic(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} must have a fixed number of parameters: remove `...`"))
}

pub fn no_output(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        match kind {
            Kind::Stage => {
                "a stage must have a return type: write `-> StageResult<T>`, or `-> StageResult<()>` if it has no output"
            }
            Kind::Check => {
                "a check must have a return type: write `-> StageResult<Check<T>>`, where `T` is the stage's output"
            }
        },
    )
}

pub fn no_result(kind: Kind, token: impl ToTokens) -> Error {
    let written = source(&token);
    on(
        token,
        match kind {
            Kind::Stage => {
                format!("a stage must return a `Result`: write `StageResult<{written}>`")
            }
            Kind::Check if written.starts_with("Check") => {
                format!("a check must return a `Result`: write `StageResult<{written}>`")
            }
            Kind::Check => {
                format!("a check must return a `Result` of a `Check`: write `StageResult<Check<{written}>>`")
            }
        },
    )
}

pub fn impl_trait(kind: Kind, token: impl ToTokens, what: &str) -> Error {
    on(token, format!("a {kind}'s {what} is stored, so its type cannot be `impl Trait`: write a named type"))
}

pub fn pattern(kind: Kind, token: impl ToTokens) -> Error {
    let of = match kind {
        Kind::Stage => "input",
        Kind::Check => "configuration",
    };
    on(
        token,
        format!(
            "a {kind}'s parameter is a field of its {of}, so it needs a name: destructure it in the body"
        ),
    )
}

pub fn borrowed_input(token: impl ToTokens) -> Error {
    on(
        token,
        "a stage's input is stored, so it cannot be borrowed: take it by value, or write `#[state]` before a value that the \
         program has (only `&StageContext`, `#[state]`, and outputs from `#[require(…)]` or `#[optional(…)]` can be \
         references)",
    )
}

/// `of` is the input or the configuration.
pub fn same_key(first: &Ident, second: &Ident, key: &str, of: &str) -> Error {
    on(
        second,
        format!(
            "`{first}` and `{second}` have the same key `{key}` in the {of}: write another `rename` for one of them"
        ),
    )
}

pub fn input_of_a_check(token: impl ToTokens) -> Error {
    on(token, "a check has no input: its plain parameter is the ticket, and settings have `#[config]`")
}

/// `what` is a parameter or the output.
pub fn unstorable(kind: Kind, ty: &Type, what: &str) -> Error {
    let written = source(ty);
    let reason = match ty {
        Type::Reference(_) => {
            "a reference cannot be read back: use a type that owns its value, `String` for `&str`"
        }
        _ => "it cannot pass from one thread to another: use the type in it",
    };
    on(ty, format!("`{written}` in a {kind}'s {what} cannot be stored, because {reason}"))
}

pub fn lifetime(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        format!(
            "a {kind}'s parameters are stored, so they cannot borrow: use a type without lifetimes, or `'static`"
        ),
    )
}

pub fn borrowed_config(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind}'s configuration is stored, so it cannot be borrowed: take it by value"))
}

pub fn mutable_reference(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} cannot change a parameter that it takes by reference: write `&`, not `&mut`"))
}

pub fn two_contexts(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} can have only one context: remove this parameter"))
}

pub fn context_by_value(kind: Kind, token: impl ToTokens) -> Error {
    on(token, format!("a {kind} must take its context by reference: write `&StageContext`"))
}

pub fn context_with_role(token: impl ToTokens) -> Error {
    on(token, "the context cannot be configuration, state or a requirement: remove this attribute")
}

pub fn two_roles(token: impl ToTokens) -> Error {
    on(
        token,
        "a parameter can have only one of `#[input]`, `#[config]`, `#[state]`, `#[require(…)]` and `#[optional(…)]`: remove this \
         attribute",
    )
}

pub fn cfg(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        match kind {
            Kind::Stage => {
                "a stage's parameter cannot have `#[cfg]`, because its input and configuration are stored: put `#[cfg]` on \
                 the whole stage"
            }
            Kind::Check => {
                "a check's parameter cannot have `#[cfg]`, because its ticket and configuration are stored: put `#[cfg]` on \
                 the whole check"
            }
        },
    )
}

pub fn flatten_rename(name: &Ident) -> Error {
    on(name, "a flattened configuration has no key of its own: remove `rename`")
}

pub fn flatten_default(token: impl ToTokens) -> Error {
    on(token, "a flattened configuration takes its defaults from its own fields: remove `default`")
}

pub fn expected_path(span: Span, attribute: &str) -> Error {
    Error::new(
        span,
        format!("`#[{attribute}(…)]` needs the path of a stage: write `#[{attribute}(path::to::stage)]`"),
    )
}

pub fn optional_type(token: impl ToTokens) -> Error {
    let written = source(&token);
    on(token, format!("the output of an optional stage can be absent: write `Option<{written}>`"))
}

pub fn twice(token: impl ToTokens, name: &str) -> Error {
    on(
        token,
        format!(
            "`{name}` is required twice: declare it once, with a parameter or with an option of `#[stage]`"
        ),
    )
}
