//! Parses `delay`.

use proc_macro2::{Span, TokenTree};
use syn::LitStr;
use syn::ext::IdentExt;
use syn::parse::ParseStream;

use super::parenthesized;
use crate::errors::{self, Errors};
use crate::workflow::ast::Step;

/// `delay("7d")`. With a mistake in the parentheses, the steps around it are still compared.
pub(super) fn step(input: ParseStream<'_>, span: Span, errors: &mut Errors) -> Step {
    let _ = input.call(syn::Ident::parse_any);
    let Some((paren, content)) = errors.take(parenthesized(input)) else { return Step::Hole };
    let place = if content.is_empty() { paren.span.join() } else { content.span() };
    let literal = content.parse::<LitStr>().ok();
    let milliseconds = literal.as_ref().and_then(|literal| crate::duration::millis(&literal.value()));
    match (&literal, milliseconds) {
        (None, _) => errors.push(errors::delay::expected_duration(place)),
        (Some(literal), None) => errors.push(errors::options::duration(literal)),
        (Some(_), Some(_)) if !content.is_empty() => {
            errors.push(errors::delay::after_the_duration(content.span()));
        }
        (Some(_), Some(_)) => {}
    }
    // The remaining tokens in the parentheses are part of the same mistake.
    while content.parse::<TokenTree>().is_ok() {}
    Step::Delay { milliseconds: milliseconds.unwrap_or(0), span }
}
