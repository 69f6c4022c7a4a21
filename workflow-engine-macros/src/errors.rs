//! Every message of the macros in one place: lower case, no full stop, names in backticks, and what to write
//! instead.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Error, Ident};

/// The mistakes found so far. Parsing goes on after each, so that one compilation reports them all.
#[derive(Default)]
pub struct Errors(Vec<Error>);

impl Errors {
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the value or the mistake.
    pub fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// One `compile_error!` a mistake.
    pub fn to_compile_errors(&self) -> TokenStream {
        self.0.iter().map(Error::to_compile_error).collect()
    }
}

/// Underlines everything from the first to the last of `tokens`.
fn on(tokens: impl ToTokens, message: impl Display) -> Error {
    Error::new_spanned(tokens, message)
}

pub mod options {
    use super::{Display, Error, Span, list, on};
    use crate::nearest::nearest;

    pub fn unknown(name: &syn::Ident, owner: &str, known: &[&str]) -> Error {
        let meant = nearest(&name.to_string(), known).map(|known| format!(", did you mean `{known}`"));
        let meant = meant.unwrap_or_default();
        on(name, format!("unknown option `{name}` of {owner}{meant}; it takes {}", list(known)))
    }

    pub fn repeated(name: &syn::Ident, owner: &str) -> Error {
        on(name, format!("option `{name}` of {owner} is given twice"))
    }

    pub fn misplaced(name: &syn::Ident, belongs: &str, owner: &str) -> Error {
        on(name, format!("option `{name}` belongs on {belongs}, not on {owner}"))
    }

    pub fn expected(span: Span, owner: &str, known: &[&str]) -> Error {
        Error::new(span, format!("expected an option of {owner}: it takes {}", list(known)))
    }

    pub fn expected_comma(span: Span) -> Error {
        Error::new(span, "expected `,` between options")
    }

    pub fn value(span: Span, name: impl Display, example: &str) -> Error {
        Error::new(span, format!("option `{name}` is written `{example}`"))
    }

    pub fn duration(literal: &syn::LitStr) -> Error {
        on(
            literal,
            format!("\"{}\" is not a duration: write \"30s\", \"5m\", \"2h\" or \"1d\"", literal.value()),
        )
    }

    pub fn backoff(name: &syn::Ident) -> Error {
        on(name, format!("unknown backoff `{name}`: write `exponential` or `fixed`"))
    }

    pub fn max_below_initial(name: &syn::Ident) -> Error {
        Error::new(
            name.span(),
            "`max` is shorter than `initial`: no waiting time would be as long as the first one",
        )
    }

    pub fn zero(literal: &syn::LitInt, name: &str) -> Error {
        on(literal, format!("`{name}` counts from 1"))
    }

    pub fn id(literal: &syn::LitStr) -> Error {
        on(literal, "an id is not empty and has no white space: write it in kebab case, \"extract-text\"")
    }

    pub fn crate_path(span: Span) -> Error {
        Error::new(
            span,
            "option `crate` is the path of the library: write `crate = ::my_crate::workflow_engine`",
        )
    }
}

pub mod stage {
    use super::{Error, Span, ToTokens, on, source};

    pub fn not_a_function(span: Span) -> Error {
        Error::new(span, "`#[stage]` goes on an async function")
    }

    pub fn not_async(token: impl ToTokens) -> Error {
        on(token, "a stage is an async function: write `async fn`")
    }

    pub fn qualifier(token: impl ToTokens, what: &str) -> Error {
        on(token, format!("a stage is a plain async function: it cannot be `{what}`"))
    }

    pub fn generics(token: impl ToTokens) -> Error {
        on(
            token,
            "a stage has no generic parameters: its values are stored under its one id, so each has one type",
        )
    }

    pub fn where_clause(token: impl ToTokens) -> Error {
        on(token, "a stage has no generic parameters and no `where` clause")
    }

    pub fn receiver(token: impl ToTokens) -> Error {
        on(
            token,
            "a stage is a free function: move it out of the `impl` and hand in what it needs as a parameter",
        )
    }

    pub fn variadic(token: impl ToTokens) -> Error {
        on(token, "a stage takes a fixed number of parameters")
    }

    pub fn no_output(token: impl ToTokens) -> Error {
        on(token, "a stage returns its output: write `-> StageResult<…>`, or `-> StageResult<()>` for none")
    }

    pub fn no_result(token: impl ToTokens) -> Error {
        let written = source(&token);
        on(token, format!("a stage returns its output or why it has none: write `StageResult<{written}>`"))
    }

    pub fn impl_trait(token: impl ToTokens, what: &str) -> Error {
        on(token, format!("a stage's {what} is stored, so its type must have a name: `impl Trait` has none"))
    }

    pub fn pattern(token: impl ToTokens) -> Error {
        on(token, "a stage's parameter is a field of its input: give it a name and take it apart in the body")
    }

    pub fn borrowed_input(token: impl ToTokens) -> Error {
        on(
            token,
            "a stage's input is stored, so it is owned: take it by value (only the context, `&StageContext`, and \
             what `#[require(…)]` names are taken by reference)",
        )
    }

    pub fn lifetime(token: impl ToTokens) -> Error {
        on(
            token,
            "what a stage takes is stored, so it borrows nothing: write a type without lifetimes, or `'static`",
        )
    }

    pub fn borrowed_config(token: impl ToTokens) -> Error {
        on(token, "a stage's configuration is stored, so it is owned: take it by value")
    }

    pub fn mutable_reference(token: impl ToTokens) -> Error {
        on(token, "a stage only reads what was there before it: take `&`, not `&mut`")
    }

    pub fn two_contexts(token: impl ToTokens) -> Error {
        on(token, "a stage has one context: this is the second")
    }

    pub fn context_by_value(token: impl ToTokens) -> Error {
        on(token, "a stage's context is taken by reference: write `&StageContext`")
    }

    pub fn context_with_role(token: impl ToTokens) -> Error {
        on(token, "the context is no input, no configuration and no requirement: take this attribute away")
    }

    pub fn two_roles(token: impl ToTokens) -> Error {
        on(token, "a parameter is one of `#[config]`, `#[require(…)]` and `#[optional(…)]`")
    }

    pub fn cfg(token: impl ToTokens) -> Error {
        on(token, "a stage's parameter cannot depend on `#[cfg]`: its input and its configuration are stored")
    }

    pub fn flatten_default(token: impl ToTokens) -> Error {
        on(token, "a flattened configuration has the defaults of its own fields: take `default` away")
    }

    pub fn expected_path(span: Span, attribute: &str) -> Error {
        Error::new(
            span,
            format!("`#[{attribute}(…)]` names a stage: write `#[{attribute}(path::to::stage)]`"),
        )
    }

    pub fn optional_type(token: impl ToTokens) -> Error {
        on(token, "an optional requirement may be absent: write `Option<…>`")
    }

    pub fn twice(token: impl ToTokens, name: &str) -> Error {
        on(
            token,
            format!(
                "`{name}` is required twice: once is enough, by a parameter or by an option of `#[stage]`"
            ),
        )
    }
}

/// Tokens as somebody would write them.
fn source(tokens: &impl ToTokens) -> String {
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

pub mod workflow {
    use super::{Display, Error, Ident, Span, ToTokens, on};

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
}
