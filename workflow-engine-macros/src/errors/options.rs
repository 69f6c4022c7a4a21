//! Messages about the options of attributes.

use std::fmt::Display;

use proc_macro2::Span;
use syn::Error;

use super::{list, on};
use crate::casing::Case;
use crate::nearest::nearest;

pub fn unknown(name: &syn::Ident, owner: &str, known: &[&str]) -> Error {
    let meant = nearest(&name.to_string(), known).map(|known| format!(", did you mean `{known}`"));
    let meant = meant.unwrap_or_default();
    on(name, format!("unknown option `{name}` of {owner}{meant}; known options: {}", list(known)))
}

pub fn repeated(name: &syn::Ident, owner: &str) -> Error {
    on(name, format!("option `{name}` of {owner} is repeated: remove one of the two"))
}

pub fn misplaced(name: &syn::Ident, belongs: &str, owner: &str) -> Error {
    on(name, format!("`{name}` is an option of {belongs}, not of {owner}"))
}

pub fn expected(span: Span, owner: &str, known: &[&str]) -> Error {
    Error::new(span, format!("expected an option of {owner}; known options: {}", list(known)))
}

pub fn expected_comma(span: Span) -> Error {
    Error::new(span, "expected `,` between two options")
}

pub fn value(span: Span, name: impl Display, example: &str) -> Error {
    Error::new(span, format!("option `{name}` is malformed: write `{example}`"))
}

pub fn duration(literal: &syn::LitStr) -> Error {
    on(
        literal,
        format!(
            "\"{}\" is not a duration: write a whole number and a unit, \"30s\", \"5m\", \"2h\" or \"1d\"",
            literal.value()
        ),
    )
}

pub fn amount(literal: &syn::LitStr) -> Error {
    on(
        literal,
        format!(
            "\"{}\" is not an amount of money: write US dollars with at most 12 decimals, \"0.50 USD\"",
            literal.value()
        ),
    )
}

pub fn word(word: &syn::Ident, name: &syn::Ident, [first, second]: [&str; 2]) -> Error {
    on(word, format!("unknown value `{word}` of `{name}`: write `{first}` or `{second}`"))
}

pub fn empty_key(literal: &syn::LitStr) -> Error {
    on(literal, "a field needs a key: write the name that it has in JSON, \"maxLength\"")
}

pub fn case(literal: &syn::LitStr) -> Error {
    on(literal, format!("unknown case \"{}\"; known cases: {}", literal.value(), list(&Case::NAMES)))
}

pub fn backoff(name: &syn::Ident) -> Error {
    on(name, format!("unknown value `{name}` of `backoff`: write `exponential` or `fixed`"))
}

pub fn max_below_initial(name: &syn::Ident) -> Error {
    Error::new(name.span(), "`max` is shorter than `initial`: write a longer `max` or a shorter `initial`")
}

pub fn zero(literal: &syn::LitInt, name: &str) -> Error {
    on(literal, format!("`{name}` must be at least 1"))
}

pub fn id(literal: &syn::LitStr) -> Error {
    on(literal, "an id cannot be empty or contain white space: write it in kebab case, \"extract-text\"")
}

pub fn brackets_in_id(literal: &syn::LitStr) -> Error {
    on(
        literal,
        "an id cannot contain `[` or `]`, which stand for one of several places of a stage: `embed[17]`",
    )
}

pub fn crate_path(span: Span) -> Error {
    Error::new(
        span,
        "option `crate` needs the path of the library: write `crate = ::my_crate::workflow_engine`",
    )
}
