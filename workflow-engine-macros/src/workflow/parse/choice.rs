//! Parses `match` and `catch`, and the words that are reserved for later versions.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseBuffer, ParseStream};
use syn::{Expr, Ident, Pat, Result, Token, token};

use super::{chain, delay, ends, parenthesized, skip_to_arrow};
use crate::errors::{self, Errors};
use crate::workflow::ast::{Arm, Step};

/// What stands before the chain of an arm. It is not the `=>` that users write in place of the `=` of a workflow.
pub(super) const ARROW: &str = "=> ";

/// A `match`, a `catch`, a `delay`, or a step that begins with a reserved word.
pub(super) fn step(input: ParseStream<'_>, errors: &mut Errors) -> Option<Step> {
    if input.peek(Token![match]) {
        return Some(errors.take(matching(input)).map_or(Step::Hole, |read| choice(input, read, errors)));
    }
    let word = input.fork().call(Ident::parse_any).ok()?;
    let is_call = input.peek2(token::Paren);
    let is_reserved = word == "loop" && (is_call || input.peek2(token::Brace) || ends_after(input))
        || word == "break" && ends_after(input)
        || is_call && word == "each";
    if is_call && word == "catch" {
        return Some(catch(input, word.span(), errors));
    }
    if is_call && word == "delay" {
        return Some(delay::step(input, word.span(), errors));
    }
    if !is_reserved {
        return None;
    }
    errors.push(errors::choice::reserved(&word));
    skip_to_arrow(input);
    Some(Step::Hole)
}

/// `catch(chain)`
fn catch(input: ParseStream<'_>, span: Span, errors: &mut Errors) -> Step {
    let _ = input.call(Ident::parse_any);
    let Some((paren, content)) = errors.take(parenthesized(input)) else { return Step::Hole };
    let place = Ident::new("_", paren.span.join()).into_token_stream();
    let chain = chain(&content, place, "catch(", errors);
    if !content.is_empty() {
        errors.push(errors::choice::after_the_chain(content.span()));
        while content.parse::<TokenTree>().is_ok() {}
    }
    Step::Catch { chain, span }
}

/// The keyword.
fn matching(input: ParseStream<'_>) -> Result<Token![match]> {
    input.parse()
}

/// `stage { arm, … }`, after the keyword.
fn choice(input: ParseStream<'_>, keyword: Token![match], errors: &mut Errors) -> Step {
    if input.peek(token::Brace) || ends(input) || input.peek(Token![>>]) {
        errors.push(errors::choice::without_stage(keyword));
        skip_braces(input);
        return Step::Hole;
    }
    let before = input.cursor();
    let matched = super::step(input, errors);
    let written = between(before, input.cursor());
    match matched {
        Step::Stage(_) | Step::Catch { .. } => {}
        Step::Hole => {
            skip_braces(input);
            return Step::Hole;
        }
        Step::Group { .. } | Step::Match { .. } => {
            errors.push(errors::choice::not_a_stage(keyword));
            skip_braces(input);
            // Its stages stay in the expansion.
            return matched;
        }
        Step::Delay { .. } => {
            errors.push(errors::choice::not_a_stage(keyword));
            skip_braces(input);
            return Step::Hole;
        }
    }
    if !input.peek(token::Brace) {
        errors.push(errors::choice::without_arms(keyword.span, &written));
        return matched;
    }
    let Some((brace, content)) = errors.take(braced(input)) else { return Step::Hole };
    let mut arms = Vec::new();
    let mut is_whole = true;
    while !content.is_empty() {
        match arm(&content, errors) {
            Ok(arm) => arms.push(arm),
            Err(error) => {
                errors.push(error);
                is_whole = false;
                skip_to_comma(&content);
            }
        }
        // A missing comma is reported by the chain before it.
        let _ = content.parse::<Token![,]>();
        if let Ok(semicolon) = content.parse::<Token![;]>() {
            errors.push(errors::choice::expected_comma(semicolon.span));
        }
    }
    if arms.is_empty() {
        if is_whole {
            errors.push(errors::choice::without_arms(brace.span.join(), &written));
        }
        return matched;
    }
    Step::Match { matched: Box::new(matched), arms, is_whole, span: keyword.span }
}

/// `pattern [ "if" expr ] "=>" ( chain | "()" )`
fn arm(input: ParseStream<'_>, errors: &mut Errors) -> Result<Arm> {
    let start = input.span();
    let pattern =
        Pat::parse_multi_with_leading_vert(input).map_err(|_| errors::choice::expected_arm(start))?;
    let guard = match input.parse::<Token![if]>() {
        Ok(_) => Some(input.parse::<Expr>()?),
        Err(_) => None,
    };
    let arrow: Token![=>] = input.parse().map_err(|_| errors::choice::expected_arm(start))?;
    if let Some(end) = nothing(input) {
        if !ends(input) {
            errors.push(if begins_arm(input) {
                errors::choice::expected_comma(input.span())
            } else {
                errors::choice::after_nothing(input.span())
            });
            if !begins_arm(input) {
                skip_to_comma(input);
            }
        }
        return Ok(Arm { pattern, guard, chain: None, end });
    }
    if input.peek(token::Brace) {
        // `=> { a >> b }` means the chain in it, so its edges are checked.
        let (brace, content) = braced(input)?;
        errors.push(errors::choice::braces(brace.span.join()));
        let place = Ident::new("_", brace.span.open()).into_token_stream();
        let chain = chain(&content, place, ARROW, errors);
        while content.parse::<TokenTree>().is_ok() {}
        return Ok(Arm { pattern, guard, chain: Some(chain), end: brace.span.close() });
    }
    let before = input.cursor();
    let chain = chain(input, arrow.into_token_stream(), ARROW, errors);
    let last = between(before, input.cursor()).into_iter().last();
    let end = last.map_or(arrow.spans[1], |token| match token {
        TokenTree::Group(group) => group.span_close(),
        token => token.span(),
    });
    Ok(Arm { pattern, guard, chain: Some(chain), end })
}

/// `()`.
fn nothing(input: ParseStream<'_>) -> Option<Span> {
    let fork = input.fork();
    let (paren, _) = parenthesized(&fork).ok().filter(|(_, content)| content.is_empty())?;
    let _ = input.parse::<TokenTree>();
    Some(paren.span.close())
}

/// Returns whether another arm follows: a `=>` before the next comma.
pub(super) fn begins_arm(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    while !ends(&fork) {
        if fork.peek(Token![=>]) {
            return true;
        }
        if fork.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    false
}

/// Returns whether the step is only one token.
fn ends_after(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    fork.parse::<TokenTree>().is_ok() && (ends(&fork) || fork.peek(Token![>>]))
}

fn braced(input: ParseStream<'_>) -> Result<(token::Brace, ParseBuffer<'_>)> {
    let content;
    let brace = syn::braced!(content in input);
    Ok((brace, content))
}

fn between(from: syn::buffer::Cursor<'_>, to: syn::buffer::Cursor<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    let mut at = from;
    while at != to {
        let Some((token, next)) = at.token_tree() else { break };
        tokens.extend([token]);
        at = next;
    }
    tokens
}

fn skip_braces(input: ParseStream<'_>) {
    if input.peek(token::Brace) {
        let _ = input.parse::<TokenTree>();
    }
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}
