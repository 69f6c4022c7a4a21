//! Messages about the rules of fields.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Ident};

use super::{on, source};

pub fn malformed_range(span: Span) -> Error {
    Error::new(span, "option `range` is malformed: write `range(0..=10)`, `range(0.5..)` or `range(..100)`")
}

pub fn malformed_length(span: Span) -> Error {
    Error::new(span, "option `length` is malformed: write `length(1..=64)`, `length(1..)` or `length(..=64)`")
}

pub fn empty(name: &Ident, range: impl ToTokens) -> Error {
    let written = source(&range).replace(' ', "");
    on(range, format!("`{name}({written})` allows no value: raise its end or lower its start"))
}

pub fn default(expr: impl ToTokens, field: &Ident, broken: impl Display) -> Error {
    let written = source(&expr).replacen("- ", "-", 1);
    on(expr, format!("the default of `{field}` is {written}, but it must {broken}"))
}

pub fn flattened(name: &Ident) -> Error {
    on(name, format!("a flattened configuration takes its rules from its own fields: remove `{name}`"))
}

pub fn attribute(token: impl ToTokens, name: &Ident) -> Error {
    on(
        token,
        format!(
            "`{name}` is an option of `#[config]` and `#[input]`: write it in `#[config(…)]` or `#[input(…)]`"
        ),
    )
}
