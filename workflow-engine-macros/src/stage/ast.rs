//! The function as it is written. The body stays tokens, because the macro does not need it and it can be incomplete.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, FnArg, Result, Signature, Visibility};

use crate::errors;
use crate::function::Kind;

pub struct Function {
    pub attributes: Vec<Attribute>,
    pub visibility: Visibility,
    pub signature: Signature,
    /// The block, or the tokens in its place.
    body: TokenStream,
    /// The whole item.
    item: TokenStream,
}

/// Attributes that are removed from parameters: those of the macro, names that a user can take for them, and `doc`, which
/// rustc does not accept there.
const OURS: [&str; 7] = ["config", "require", "optional", "range", "length", "pattern", "doc"];

/// Returns whether the attribute must be removed from the function.
pub fn is_ours(attribute: &Attribute) -> bool {
    OURS.iter().any(|name| attribute.path().is_ident(name))
}

impl Function {
    /// Reads the item under the attribute.
    pub fn read(kind: Kind, item: &TokenStream) -> Result<Self> {
        let parser = |input: ParseStream<'_>| Self::parse(kind, input);
        let mut head: Vec<TokenTree> = item.clone().into_iter().collect();
        // The parser would visit every token of the body. An incomplete item has no body and is parsed as it is.
        let body = head.pop_if(
            |token| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace),
        );
        let mut function = match parser.parse2(head.into_iter().collect()) {
            Ok(function) => function,
            Err(_) => parser.parse2(item.clone())?,
        };
        function.body.extend(body);
        function.item = item.clone();
        Ok(function)
    }

    fn parse(kind: Kind, input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let start = input.span();
        let fork = input.fork();
        let signature = match fork.parse::<Signature>() {
            Ok(signature) => signature,
            // For a mistake in the signature of a function, syn's or rustc's own error is more precise.
            Err(error) if starts_function(input) => return Err(error),
            Err(_) => return Err(errors::function::not_a_function(kind, start)),
        };
        input.advance_to(&fork);
        Ok(Self { attributes, visibility, signature, body: input.parse()?, item: TokenStream::new() })
    }

    /// The function as the user wrote it, without the attributes of the macro. It keeps the original tokens where possible,
    /// because new tokens cost time after each edit.
    pub fn untouched(&self) -> TokenStream {
        let Self { attributes, visibility, signature, body, item } = self;
        if signature.variadic.is_some() || signature.generics.lt_token.is_some() {
            let mut signature = signature.clone();
            // The variadic parameter is already an error; rustc would report five more.
            signature.variadic = None;
            for parameter in &mut signature.inputs {
                match parameter {
                    FnArg::Receiver(receiver) => receiver.attrs.retain(|attribute| !is_ours(attribute)),
                    FnArg::Typed(typed) => typed.attrs.retain(|attribute| !is_ours(attribute)),
                }
            }
            return quote!(#(#attributes)* #visibility #signature #body);
        }
        let ours = |parameter: &FnArg| match parameter {
            FnArg::Receiver(receiver) => receiver.attrs.iter().any(is_ours),
            FnArg::Typed(typed) => typed.attrs.iter().any(is_ours),
        };
        if signature.inputs.iter().any(ours) { without_ours(item.clone()) } else { item.clone() }
    }
}

/// The tokens of a function without generics, without the attributes of the macro in its parentheses.
fn without_ours(item: TokenStream) -> TokenStream {
    let mut named = false;
    let mut found = false;
    let tokens = item.into_iter().map(|token| match token {
        TokenTree::Group(group) if named && !found && group.delimiter() == Delimiter::Parenthesis => {
            found = true;
            let mut parameters = Group::new(group.delimiter(), without_attributes(group.stream()));
            parameters.set_span(group.span());
            parameters.into()
        }
        other => {
            named |= matches!(&other, TokenTree::Ident(ident) if ident == "fn");
            other
        }
    });
    tokens.collect()
}

fn without_attributes(parameters: TokenStream) -> TokenStream {
    let mut tokens = parameters.into_iter().peekable();
    let mut kept = Vec::new();
    while let Some(token) = tokens.next() {
        let sign = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
        let ours = |next: &TokenTree| matches!(next, TokenTree::Group(group) if is_our_name(group));
        if !sign || tokens.next_if(ours).is_none() {
            kept.push(token);
        }
    }
    kept.into_iter().collect()
}

/// Returns whether the brackets are those of an attribute that must be removed.
fn is_our_name(brackets: &Group) -> bool {
    let mut tokens = brackets.stream().into_iter();
    let named = matches!(tokens.next(), Some(TokenTree::Ident(name)) if OURS.iter().any(|ours| name == ours));
    let path = matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    brackets.delimiter() == Delimiter::Bracket && named && !path
}

/// Returns whether `fn` comes before any group.
fn starts_function(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    while let Ok(token) = fork.parse::<TokenTree>() {
        match token {
            TokenTree::Ident(ident) if ident == "fn" => return true,
            TokenTree::Group(_) => return false,
            _ => {}
        }
    }
    false
}
