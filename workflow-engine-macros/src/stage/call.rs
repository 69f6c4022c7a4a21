//! The call of the user's function, be it a stage's or a check's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::Type;
use syn::spanned::Spanned;

use super::valid::{Body, Field, Parameter};
use crate::casing::plain;
use crate::function::Kind;
use crate::paths::{self, respan};

/// What the function is called with. `own_context` makes its context of the type's, and `read_or_return` has the value of
/// a call that may fail.
pub fn arguments<'a>(
    body: &'a Body<'a>,
    private: &'a TokenStream,
    own_context: impl Fn(&Type) -> TokenStream + 'a,
    read_or_return: impl Fn(TokenStream) -> TokenStream + 'a,
) -> impl Iterator<Item = TokenStream> + 'a {
    let [input, config, context, ticket] = ["input", "config", "context", "ticket"].map(local);
    body.parameters.iter().map(move |parameter| match parameter {
        Parameter::Input(Field { name, .. }) => quote!(#input.#name),
        Parameter::Config(Field { name, .. }) => quote!(#config.#name),
        Parameter::Ticket(_) => quote!(&#ticket),
        Parameter::Read { read, ty, by_reference } => {
            let alias = read_alias(body, *read);
            let function = match (body.reads[*read].optional, by_reference) {
                (false, false) => "required",
                (false, true) => "required_ref",
                (true, false) => "optional",
                (true, true) => "optional_ref",
            };
            let function = Ident::new(function, Span::call_site());
            // Under the span of the type: that is what does not fit, if it does not.
            let call = quote! {
                <<#alias as #private::Stage>::Output as #private::OutputAs<#alias, #ty>>::#function
            };
            let call = respan(call, ty.span());
            read_or_return(quote!(#call(&#context)))
        }
        Parameter::Context(ty) => own_context(ty),
    })
}

/// The arm for the function's error.
pub fn failure(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let error = Ident::new("__error", error_span(body.returns));
    let into_error = into_error(body, private);
    quote!(#private::Err(#error) => #private::Err(#into_error(#error)),)
}

/// What makes the engine's error of the function's.
pub fn into_error(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    // rustc underlines the argument when it is the argument's type that does not convert.
    respan(quote!(#private::Failure::into_error), error_span(body.returns))
}

/// A variable of the generated code, which the user's tokens do not see.
pub fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The type of what the function returns when it does not fail.
pub fn returned(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let returns = body.returns;
    respan(quote!(<#returns as #private::Returns>::Output), output_span(returns))
}

/// What the function reads, as constants.
pub fn requirements(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let requirements = body.reads.iter().enumerate().map(|(index, read)| {
        let alias = read_alias(body, index);
        let kind = if read.optional { quote!(optional) } else { quote!(required) };
        quote!(#private::Requirement::#kind(<#alias as #private::Stage>::PATH))
    });
    quote!(#(#requirements),*)
}

/// The stages that a function reads, each path named once.
pub fn aliases(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let aliases = body.reads.iter().enumerate().map(|(index, read)| {
        let alias = read_alias(body, index);
        paths::known(&alias, &read.path, private, Kind::Stage, &[])
    });
    aliases.collect()
}

/// The alias of the stage at this place in [`Body::reads`]. It stands beside the function, and no other name has an
/// underscore there.
pub fn read_alias(body: &Body<'_>, index: usize) -> Ident {
    let name = plain(&body.function.signature.ident);
    format_ident!("__{name}_Read{index}", span = Span::mixed_site())
}

/// Where a mistake in the output's type is underlined: at `T` of `Result<T, E>`, if it is written so.
pub fn output_span(returns: &Type) -> Span {
    argument_span(returns, 0).unwrap_or_else(|| returns.span())
}

/// Where a mistake in the error's type is underlined: at `E` of `Result<T, E>`, if it is written so.
fn error_span(returns: &Type) -> Span {
    argument_span(returns, 1).unwrap_or_else(|| returns.span())
}

fn argument_span(returns: &Type, index: usize) -> Option<Span> {
    let Type::Path(path) = returns else { return None };
    match &path.path.segments.last()?.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments.args.iter().nth(index).map(Spanned::span),
        _ => None,
    }
}
