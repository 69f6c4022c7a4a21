//! Every message of the macros in one place: lower case, no full stop, names in backticks, and what to write
//! instead.

pub mod options;
pub mod function;
pub mod rules;
pub mod check;
pub mod state;
pub mod workflow;
pub mod choice;
pub mod delay;

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Error;

/// The mistakes found so far. Parsing continues after each one, so that one compilation reports them all.
#[derive(Default)]
pub struct Errors(Vec<Error>);

impl Errors {
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    pub fn extend(&mut self, errors: impl IntoIterator<Item = Error>) {
        self.0.extend(errors);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the value or the mistake.
    pub fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// The last mistake, which is that of the output, as a type that takes the place of the unknown one.
    ///
    /// An array length that cannot be computed makes the type an error to rustc, which then reports nothing else that
    /// depends on the type. A placeholder type would cause more errors, and so would `compile_error!` itself, which is
    /// `()` in the position of a type.
    pub fn as_type(&mut self) -> TokenStream {
        let error = self.0.pop().map(|error| error.to_compile_error());
        quote!([(); { #error }])
    }

    /// One `compile_error!` for each mistake.
    pub fn to_compile_errors(&self) -> TokenStream {
        self.0.iter().map(Error::to_compile_error).collect()
    }
}

/// Underlines everything from the first to the last of `tokens`.
fn on(tokens: impl ToTokens, message: impl Display) -> Error {
    Error::new_spanned(tokens, message)
}

/// Tokens as a user would write them.
pub fn source(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [(" < ", "<"), (" >", ">"), (" :: ", "::"), (" ,", ","), ("& ", "&"), ("( ", "(")]
    {
        text = text.replace(spaced, tight);
    }
    text
}

/// "`a`, `b` and `c`".
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}
