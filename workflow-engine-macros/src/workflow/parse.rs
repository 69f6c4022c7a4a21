//! Parses workflows. A mistake becomes a hole and an error, and parsing continues after it.
//!
//! At the end of the input, syn would underline the whole macro. The functions therefore keep the token before the missing
//! one, and report the mistake there.

mod choice;
mod delay;

use proc_macro2::extra::DelimSpan;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseBuffer, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Path, PathSegment, Result, Token, Type, Visibility, token};

use super::ast::{Chain, Options, Step, Workflow};
use crate::errors::{self, Errors};
use crate::ide::Names;
use crate::options;
use crate::stage::ast;

/// `workflow { ";" workflow } [ ";" ]`
pub fn workflows(input: ParseStream<'_>, errors: &mut Errors) -> Vec<Workflow> {
    let mut workflows = Vec::new();
    while !input.is_empty() {
        match workflow(input, errors) {
            Ok(workflow) => workflows.push(workflow),
            Err(error) => {
                errors.push(error);
                skip_to_semicolon(input);
            }
        }
        if let Ok(comma) = input.parse::<Token![,]>() {
            if begins_workflow(input) {
                errors.push(errors::workflow::expected_semicolon(comma.span));
            } else {
                errors.push(errors::workflow::comma_in_a_chain(comma));
                skip_to_semicolon(input);
                let _ = input.parse::<Token![;]>();
            }
        } else {
            // The remaining tokens before the `;` are already reported.
            let _ = input.parse::<Token![;]>();
        }
    }
    workflows
}

/// `{ attribute } visibility name [ "(" type ")" ] "=" chain`
fn workflow(input: ParseStream<'_>, errors: &mut Errors) -> Result<Workflow> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    let place = match &visibility {
        // `pub` alone, at the end of the input.
        Visibility::Public(token) if input.is_empty() => token.span,
        _ => input.span(),
    };
    let name = input.call(Ident::parse_any).map_err(|_| errors::workflow::expected_name(place))?;
    if is_keyword(&name) {
        let instead = if input.peek(Ident::peek_any) { "remove it" } else { "write another name" };
        return Err(errors::workflow::keyword_as_name(&name, instead));
    }
    let mut names = Names::default();
    names.read_attributes("workflow", &attributes);
    let (attributes, mut options) = split(attributes, errors);
    options.names = names;
    let has_type = input.peek(token::Paren);
    let type_in = input_type(input, &name, errors);
    let chain = if let Ok(arrow) = input.parse::<Token![=>]>() {
        errors.push(errors::workflow::expected_equals(arrow, &name));
        chain(input, arrow.into_token_stream(), "=>", errors)
    } else if let Ok(equals) = input.parse::<Token![=]>() {
        chain(input, equals.into_token_stream(), "=", errors)
    } else {
        let place = if input.is_empty() || input.peek(Token![;]) { name.span() } else { input.span() };
        // After a mistake in the parentheses, what follows them is part of it.
        if !has_type || type_in.is_some() {
            errors.push(errors::workflow::expected_equals(Ident::new("_", place), &name));
        }
        skip_to_semicolon(input);
        Chain { steps: vec![Step::Hole] }
    };
    Ok(Workflow { attributes, options, visibility, name, input: type_in, chain })
}

/// `[ "(" type ")" ]`
fn input_type(input: ParseStream<'_>, name: &Ident, errors: &mut Errors) -> Option<Type> {
    if !input.peek(token::Paren) {
        return None;
    }
    let parsed = parenthesized(input).and_then(|(paren, content)| {
        let place = if content.is_empty() { paren.span.join() } else { content.span() };
        let ty = content.parse::<Type>();
        let rest = content.parse::<Option<Token![,]>>().is_ok() && content.is_empty();
        // The remaining tokens in the parentheses are part of the same mistake.
        while content.parse::<TokenTree>().is_ok() {}
        ty.ok().filter(|_| rest).ok_or_else(|| errors::workflow::expected_input(place, name))
    });
    errors.take(parsed)
}

fn parenthesized(input: ParseStream<'_>) -> Result<(token::Paren, ParseBuffer<'_>)> {
    let content;
    let paren = syn::parenthesized!(content in input);
    Ok((paren, content))
}

/// Removes `#[workflow(…)]` from the attributes.
fn split(attributes: Vec<Attribute>, errors: &mut Errors) -> (Vec<Attribute>, Options) {
    let mut found = Options::default();
    let mut kept = Vec::new();
    for attribute in attributes {
        if !attribute.path().is_ident("workflow") {
            let path = attribute.path();
            if ["doc", "cfg", "deprecated", "allow", "expect", "warn"]
                .iter()
                .any(|known| path.is_ident(known))
            {
                kept.push(attribute);
            } else {
                errors.push(errors::workflow::attribute(&attribute));
            }
            continue;
        }
        let Meta::List(list) = &attribute.meta else { continue };
        let read = list.parse_args_with(|input: ParseStream<'_>| {
            options::parse(input, &options::WORKFLOW, errors, |name, input, _| {
                match name.to_string().as_str() {
                    "id" => found.id = Some(options::id(name, input)?),
                    "name" => found.name = Some(options::text(name, input, "name = \"Document Processor\"")?),
                    "version" => found.version = Some(options::count(name, input)?),
                    "deadline" => found.deadline = Some(options::duration(name, input)?),
                    "unknown_input" => {
                        found.ignores_unknown_input = options::second_word(name, input, ["deny", "ignore"])?;
                    }
                    _ => found.krate = Some(options::crate_path(name, input)?),
                }
                Ok(())
            });
            Ok(())
        });
        errors.take(read);
    }
    (kept, found)
}

/// `step { ">>" step }`, after the token `before`.
fn chain(
    input: ParseStream<'_>,
    mut place: TokenStream,
    mut before: &'static str,
    errors: &mut Errors,
) -> Chain {
    let mut chain = Chain::default();
    let is_group = before != "=" && before != "=>";
    let is_arm = before == choice::ARROW;
    loop {
        if ends(input) {
            errors.push(errors::workflow::expected_step(place, before.trim_end()));
            chain.steps.push(Step::Hole);
            return chain;
        }
        chain.steps.push(step(input, errors));
        if ends(input) {
            return chain;
        }
        before = ">>";
        if let Ok(arrow) = input.parse::<Token![>>]>() {
            place = arrow.into_token_stream();
        } else if let Ok(half) = input.parse::<Token![>]>() {
            // `a > b` means `a >> b`, so the edge is checked.
            errors.push(errors::workflow::expected_arrow(half.span));
            place = half.into_token_stream();
        } else if is_arm && choice::begins_arm(input) {
            errors.push(errors::choice::expected_comma(input.span()));
            return chain;
        } else if !is_group && (input.peek(Token![pub]) || (input.peek(syn::Ident) && input.peek2(Token![=])))
        {
            errors.push(errors::workflow::expected_semicolon(input.span()));
            return chain;
        } else if let Ok(dot) = input.parse::<Token![.]>() {
            errors.push(errors::workflow::dot(dot));
            // What is before the dot is no stage.
            chain.steps.pop();
            chain.steps.push(Step::Hole);
            skip_to_arrow(input);
            let arrow = input.parse::<Token![>>]>();
            if arrow.is_err() {
                return chain;
            }
            place = arrow.into_iter().map(ToTokens::into_token_stream).collect();
        } else {
            errors.push(errors::workflow::expected_arrow(input.span()));
            chain.steps.push(Step::Hole);
            if !begins_step(input) {
                skip_to_step(input);
                if ends(input) {
                    return chain;
                }
            }
        }
    }
}

/// `path | "[" chain { "," chain } [ "," ] "]" | "match" … | "delay" …`
fn step(input: ParseStream<'_>, errors: &mut Errors) -> Step {
    if input.peek(token::Bracket) {
        return errors
            .take(bracketed(input))
            .map_or(Step::Hole, |(bracket, content)| group(&content, &bracket.span, errors));
    }
    if input.peek(token::Paren) {
        // Parentheses are meant as a group, so they are checked as one.
        return errors.take(parenthesized(input)).map_or(Step::Hole, |(paren, content)| {
            errors.push(errors::workflow::parentheses(paren.span.join()));
            group(&content, &paren.span, errors)
        });
    }
    if input.peek(Token![>>]) {
        // The caller reads the arrow.
        errors.extend(input.fork().parse::<Token![>>]>().map(errors::workflow::missing_step));
        return Step::Hole;
    }
    if let Some(step) = choice::step(input, errors) {
        return step;
    }
    if !begins_step(input) {
        errors.push(errors::workflow::not_a_step(input.span()));
        skip_to_arrow(input);
        return Step::Hole;
    }
    let path = path(input, errors);
    errors.take(path).map_or(Step::Hole, Step::Stage)
}

fn group(content: ParseStream<'_>, delimiters: &DelimSpan, errors: &mut Errors) -> Step {
    let span = delimiters.join();
    if content.is_empty() {
        errors.push(errors::workflow::empty_group(span));
        return Step::Hole;
    }
    let mut branches = Vec::new();
    let mut place = Ident::new("_", delimiters.open()).into_token_stream();
    let mut before = "[";
    loop {
        branches.push(chain(content, place.clone(), before, errors));
        if let Ok(comma) = content.parse::<Token![,]>() {
            place = comma.into_token_stream();
            before = ",";
        } else if let Ok(semicolon) = content.parse::<Token![;]>() {
            errors.push(errors::workflow::expected_comma(semicolon.span));
            place = semicolon.into_token_stream();
            before = ",";
        }
        if content.is_empty() {
            return Step::Group { branches, span };
        }
    }
}

fn bracketed(input: ParseStream<'_>) -> Result<(token::Bracket, ParseBuffer<'_>)> {
    let content;
    let bracket = syn::bracketed!(content in input);
    Ok((bracket, content))
}

/// A path without arguments, one segment at a time, because `a::` is half of one.
fn path(input: ParseStream<'_>, errors: &mut Errors) -> Result<Path> {
    let leading_colon: Option<Token![::]> = input.parse()?;
    let mut colons = leading_colon;
    let mut path = Path { leading_colon, segments: Punctuated::new() };
    loop {
        let segment = input
            .call(Ident::parse_any)
            .map_err(|error| colons.map_or(error, errors::workflow::expected_segment))?;
        let is_root = colons.is_none() || path.segments.last().is_some_and(|before| before.ident == "super");
        let is_module = is_root && ["self", "super", "crate"].iter().any(|module| segment == module);
        if is_module && !input.peek(Token![::]) {
            return Err(errors::workflow::module(&segment));
        }
        if !is_module && is_keyword(&segment) {
            return Err(errors::workflow::keyword(&segment));
        }
        path.segments.push_value(PathSegment::from(segment));
        let turbofish = input.peek(Token![::]) && input.peek3(Token![<]);
        if turbofish || input.peek(Token![<]) || input.peek(token::Paren) {
            // The path is checked as if it had no arguments.
            errors.push(errors::workflow::arguments(&path));
            skip_to_arrow(input);
            return Ok(path);
        }
        if !input.peek(Token![::]) {
            return match path.get_ident() {
                Some(name) if ast::is_rusts(name) => Err(errors::workflow::rusts_type(name)),
                _ => Ok(path),
            };
        }
        let punct: Token![::] = input.parse()?;
        colons = Some(punct);
        path.segments.push_punct(punct);
    }
}

/// Returns whether a workflow follows, which has a `=` before the next `;` or `,`.
fn begins_workflow(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    while !ends(&fork) {
        if fork.peek(Token![=]) {
            return true;
        }
        if fork.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    false
}

/// Returns whether rustc would refuse the name.
fn is_keyword(name: &Ident) -> bool {
    syn::parse2::<Ident>(name.to_token_stream()).is_err()
}

/// Returns whether the chain has ended.
fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,]) || input.peek(Token![;])
}

fn begins_step(input: ParseStream<'_>) -> bool {
    input.peek(token::Bracket) || input.peek(syn::Ident::peek_any) || input.peek(Token![::])
}

fn skip_to_semicolon(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![;]) && input.parse::<TokenTree>().is_ok() {}
}

fn skip_to_arrow(input: ParseStream<'_>) {
    while !ends(input) && !input.peek(Token![>>]) && input.parse::<TokenTree>().is_ok() {}
}

fn skip_to_step(input: ParseStream<'_>) {
    while !ends(input) && !begins_step(input) && input.parse::<TokenTree>().is_ok() {}
}
