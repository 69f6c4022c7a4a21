//! The function as it is written. The body stays tokens, because the macro does not need it and it can be incomplete.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, FnArg, Ident, Result, Signature, Visibility};

use super::recovery;
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
const OURS: [&str; 9] =
    ["input", "config", "require", "optional", "state", "range", "length", "pattern", "doc"];

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
        let head: TokenStream = head.into_iter().collect();
        let mut function = match parser.parse2(head.clone()) {
            Ok(function) => function,
            Err(_) => match parser.parse2(recovery::without_reported(head)) {
                // rustc has reported the mistake already, so the tokens of the item cannot be used again.
                Ok(mut function) => {
                    function.body.extend(body);
                    function.item = function.tokens();
                    return Ok(function);
                }
                Err(_) => parser.parse2(item.clone())?,
            },
        };
        function.body.extend(body);
        function.item = item.clone();
        Ok(function)
    }

    fn tokens(&self) -> TokenStream {
        let Self { attributes, visibility, signature, body, .. } = self;
        quote!(#(#attributes)* #visibility #signature #body)
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

    /// Returns whether the function has no body, as in a trait.
    pub fn is_bodiless(&self) -> bool {
        matches!(self.body.clone().into_iter().next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ';')
    }

    /// The `self` or the first `Self` of the signature, which makes it part of an `impl` or a trait.
    pub fn owner(&self) -> Option<TokenStream> {
        let Signature { inputs, output, .. } = &self.signature;
        let receiver = self.signature.receiver().map(ToTokens::to_token_stream);
        receiver
            .or_else(|| find(quote!(#inputs #output), |ident| ident == "Self").map(Ident::into_token_stream))
    }

    /// Returns whether a type can stand beside the function: not in an `impl` or a trait, and not under the name of a type of
    /// Rust.
    pub fn allows_type(&self) -> bool {
        !self.is_bodiless() && self.owner().is_none() && !is_rusts(&self.signature.ident)
    }

    /// The function as the user wrote it, without the attributes of the macro. It keeps the original tokens where possible,
    /// because new tokens cost time after each edit.
    pub fn untouched(&self) -> TokenStream {
        let Self { attributes, visibility, signature, body, item } = self;
        if attributes.iter().any(is_macro) {
            // It would generate everything a second time.
            let attributes = attributes.iter().filter(|attribute| !is_macro(attribute));
            return without_ours(quote!(#(#attributes)* #visibility #signature #body));
        }
        if self.is_bodiless() {
            // Outside a trait, rustc would report the missing body a second time.
            return quote!(#(#attributes)* #visibility #signature { ::core::unreachable!() });
        }
        let is_changed = signature.variadic.is_some() || signature.constness.is_some();
        if is_changed || signature.generics.lt_token.is_some() {
            let mut signature = signature.clone();
            // rustc would check the body as a constant.
            signature.constness = None;
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

/// Returns whether the attribute is one of the macros for functions.
pub fn is_macro(attribute: &Attribute) -> bool {
    let path = attribute.path();
    let known = |name: &Ident| name == "stage" || name == "check";
    match path.segments.iter().collect::<Vec<_>>().as_slice() {
        [only] => known(&only.ident),
        [library, last] => library.ident == "workflow_engine" && known(&last.ident),
        _ => false,
    }
}

/// Returns whether the name is that of a type that every module has.
pub fn is_rusts(name: &Ident) -> bool {
    const TYPES: [&str; 22] = [
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
        "isize", "f32", "f64", "Box", "Option", "Result", "String", "Vec",
    ];
    TYPES.iter().any(|ty| name == ty)
}

/// The first matching name, also inside groups.
fn find(tokens: TokenStream, matches: impl Fn(&Ident) -> bool + Copy) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => matches(&ident).then_some(ident),
        TokenTree::Group(group) => find(group.stream(), matches),
        _ => None,
    })
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
