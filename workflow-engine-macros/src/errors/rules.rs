//! Rules of configuration fields.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Ident};

use super::{on, source};

pub fn malformed_range(span: Span) -> Error {
    Error::new(span, "a range of numbers is written `range(0..=10)`, `range(0.5..)` or `range(..100)`")
}

pub fn malformed_length(span: Span) -> Error {
    Error::new(span, "a range of lengths is written `length(1..=64)`, `length(1..)` or `length(..=64)`")
}

pub fn empty(name: &Ident, range: impl ToTokens) -> Error {
    let written = source(&range).replace(' ', "");
    on(range, format!("`{name}({written})` admits nothing: its end lies before its beginning"))
}

pub fn default(expr: impl ToTokens, field: &Ident, broken: impl Display) -> Error {
    let written = source(&expr).replacen("- ", "-", 1);
    on(expr, format!("`{field}` defaults to {written}, but must {broken}"))
}

pub fn flattened(name: &Ident) -> Error {
    on(name, format!("a flattened configuration has the rules of its own fields: take `{name}` away"))
}

pub fn attribute(token: impl ToTokens, name: &Ident) -> Error {
    on(token, format!("`{name}` is a rule of a configuration: write it into `#[config(…)]`"))
}
