//! The function as it is written. The body stays tokens: it may be half typed, and it is none of our business.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::ParseStream;
use syn::{Attribute, FnArg, Result, Signature, Visibility};

use crate::errors;
use crate::function::Kind;

pub struct Function {
    pub attributes: Vec<Attribute>,
    pub visibility: Visibility,
    pub signature: Signature,
    /// The block, and whatever else stands there.
    pub body: TokenStream,
}

/// The attributes of parameters that are ours, those that somebody may take for ours, and those that rustc does not take there.
const OURS: [&str; 7] = ["config", "require", "optional", "range", "length", "pattern", "doc"];

/// Whether the attribute is one that the function itself must not carry.
pub fn is_ours(attribute: &Attribute) -> bool {
    OURS.iter().any(|name| attribute.path().is_ident(name))
}

impl Function {
    /// Reads the item under the attribute.
    pub fn parse(kind: Kind, input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let start = input.span();
        let signature = match input.fork().parse::<Signature>() {
            Ok(_) => input.parse()?,
            // A function with a mistake in its signature deserves rustc's or syn's own words about it.
            Err(error) if starts_function(input) => return Err(error),
            Err(_) => return Err(errors::function::not_a_function(kind, start)),
        };
        Ok(Self { attributes, visibility, signature, body: input.parse()? })
    }

    /// The function as the user wrote it, without our attributes.
    pub fn untouched(&self) -> TokenStream {
        let Self { attributes, visibility, signature, body } = self;
        let mut signature = signature.clone();
        // It was refused, and rustc has five things more to say about it.
        signature.variadic = None;
        for parameter in &mut signature.inputs {
            let attributes = match parameter {
                FnArg::Receiver(receiver) => &mut receiver.attrs,
                FnArg::Typed(typed) => &mut typed.attrs,
            };
            attributes.retain(|attribute| !is_ours(attribute));
        }
        let signature = signature.to_token_stream();
        quote!(#(#attributes)* #visibility #signature #body)
    }
}

/// Whether `fn` comes before any brace.
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
