//! The call of the user's function, for stages and checks.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::valid::{Body, Field, Parameter};
use crate::casing::plain;
use crate::errors::source;
use crate::function::Kind;
use crate::paths::{self, respan};

/// The arguments of the function. `own_context` converts the context into the parameter's type, and `read_or_return` unwraps
/// a call that can fail.
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
            // With the span of the type, where a mismatch is reported.
            let call = quote! {
                <<#alias as #private::Stage>::Output as #private::OutputAs<#alias, #ty>>::#function
            };
            let call = respan(call, ty.span());
            read_or_return(quote!(#call(&#context)))
        }
        Parameter::State { ty, by_reference } => {
            // With the span of the type, where a type that cannot be state is reported.
            let shared = respan(quote!(<#ty as #private::State>::shared), ty.span());
            let shared = read_or_return(quote!(#shared(&#context)));
            if *by_reference {
                shared
            } else {
                let copy_of = respan(quote!(<#ty as #private::CloneState>::copy_of), ty.span());
                quote!(#copy_of(#shared))
            }
        }
        Parameter::Context(ty) => own_context(ty),
    })
}

/// The arm for the function's error.
pub fn failure(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let error = error_name(body);
    let converted = converted(body, private, &error);
    quote!(#private::Result::Err(#error) => #private::Result::Err(#converted),)
}

/// The conversion of the function's error, as a function.
pub fn into_error(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    if !can_decide(body) {
        return conversion(body, private);
    }
    let error = error_name(body);
    let converted = converted(body, private, &error);
    quote!(|#error| #converted)
}

fn converted(body: &Body<'_>, private: &TokenStream, error: &Ident) -> TokenStream {
    let conversion = conversion(body, private);
    if !can_decide(body) {
        return quote!(#conversion(#error));
    }
    let decision = local("decision");
    quote! {{
        use #private::{Decided as _, Undecided as _};
        let #decision = (&#error).__retry_decision();
        #conversion(#error).with_decision(#decision)
    }}
}

fn conversion(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    // rustc underlines the argument if its type does not convert.
    respan(quote!(#private::Failure::into_error), error_span(body.returns))
}

fn error_name(body: &Body<'_>) -> Ident {
    Ident::new("__error", error_span(body.returns))
}

/// Returns whether the function's error can be one that decides whether the stage is retried.
fn can_decide(body: &Body<'_>) -> bool {
    match body.returns {
        Type::Path(path) => path.path.segments.last().is_none_or(|last| last.ident != "StageResult"),
        _ => true,
    }
}

/// A variable of the generated code, which is invisible to the user's tokens.
pub fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The success type of the function.
pub fn returned(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let returns = body.returns;
    let span = output_span(returns);
    let private = respan(private.clone(), span);
    // The type keeps its own spans, so that rustc does not report a mistake in it a second time.
    quote_spanned!(span=> <#returns as #private::Returns>::Output)
}

/// The requirements of the function, as constants.
pub fn requirements(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let requirements = body.reads.iter().enumerate().map(|(index, read)| {
        let alias = read_alias(body, index);
        let kind = if read.optional { quote!(optional) } else { quote!(required) };
        quote!(#private::Requirement::#kind(<#alias as #private::Stage>::PATH))
    });
    quote!(#(#requirements),*)
}

/// The types of the function's state, as constants; `None` without any.
pub fn state(body: &Body<'_>, private: &TokenStream) -> Option<TokenStream> {
    let types: Vec<_> = body
        .parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Parameter::State { ty, .. } => {
                let name = source(ty);
                Some(quote!(#private::StateType::of::<#ty>(#name)))
            }
            _ => None,
        })
        .collect();
    (!types.is_empty()).then(|| quote!(#(#types),*))
}

/// Aliases of the stages that a function reads. Each path is named once.
pub fn aliases(body: &Body<'_>, private: &TokenStream) -> TokenStream {
    let aliases = body.reads.iter().enumerate().map(|(index, read)| {
        let alias = read_alias(body, index);
        paths::known(&alias, &read.path, private, Kind::Stage, &[])
    });
    aliases.collect()
}

/// The alias of the stage at this index of [`Body::reads`]. Its underscores keep it apart from the names beside it.
pub fn read_alias(body: &Body<'_>, index: usize) -> Ident {
    let name = plain(&body.function.signature.ident);
    format_ident!("__{name}_Read{index}", span = Span::mixed_site())
}

/// The span for a mistake in the output's type: `T` of `Result<T, E>`, if it is written so.
pub fn output_span(returns: &Type) -> Span {
    argument_span(returns, 0).unwrap_or_else(|| returns.span())
}

/// The span for a mistake in the error's type: `E` of `Result<T, E>`, if it is written so.
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
