//! Writes the items of a stage. It cannot fail.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::attr::Options;
use super::record::Record;
use super::valid::{Field, Parameter, Stage};
use crate::casing::{kebab, pascal, plain, title};
use crate::paths::respan;
use crate::{docs, paths};

/// The function, the type beside it, and the implementations.
pub fn expand(stage: &Stage<'_>) -> TokenStream {
    let function = stage.function;
    let name = &function.signature.ident;
    let library = paths::library(stage.options.krate.as_ref());
    let private = quote!(#library::__private);
    let conditions = docs::conditions(&function.attributes).collect::<Vec<_>>();
    let visibility = &function.visibility;

    let untouched = function.untouched();
    let marker = marker(name, visibility, &conditions);

    let inputs = fields(stage, |parameter| match parameter {
        Parameter::Input(field) => Some(field),
        _ => None,
    });
    let configs = fields(stage, |parameter| match parameter {
        Parameter::Config(field) => Some(field),
        _ => None,
    });
    let input_name = format_ident!("{}Input", pascal(&plain(name)), span = name.span());
    let config_name = format_ident!("{}Config", pascal(&plain(name)), span = name.span());
    let input = Record {
        name: &input_name,
        doc: format!(" The input of the stage [`{}`](fn@{name}).", plain(name)),
        visibility,
        fields: &inputs,
        strict: false,
        private: &private,
    };
    let config = Record {
        name: &config_name,
        doc: format!(" The configuration of the stage [`{}`](fn@{name}).", plain(name)),
        visibility,
        fields: &configs,
        strict: true,
        private: &private,
    };
    let records = [&input, &config].map(|record| {
        (!record.fields.is_empty()).then(|| {
            let structure = record.structure();
            quote!(#(#conditions)* #[allow(dead_code)] #structure)
        })
    });
    let record_impls =
        [&input, &config].map(|record| (!record.fields.is_empty()).then(|| record.implementations()));

    let input_type = if inputs.is_empty() { quote!(#library::NoInput) } else { quote!(#input_name) };
    let config_type = if configs.is_empty() { quote!(#library::NoConfig) } else { quote!(#config_name) };
    let accepts = accepts(name, &input_name, &inputs, &private);
    let implementation = implementation(stage, &library, &input_type, &config_type, &inputs);
    let reads = reads(stage, &private);

    quote! {
        #untouched
        #marker
        #(#records)*
        #(#conditions)*
        #[allow(deprecated, clippy::all, clippy::pedantic)]
        const _: () = {
            #reads
            #(#record_impls)*
            #implementation
            #accepts
        };
    }
}

/// A braced structure: it takes the function's name in the namespace of types only.
pub fn marker(name: &Ident, visibility: &syn::Visibility, conditions: &[&syn::Attribute]) -> TokenStream {
    let doc = format!(" The stage of the function [`{}`](fn@{name}).", plain(name));
    // rustc points at the structure when it speaks of the stage, so it stands where the function's name does.
    let structure = quote_spanned!(name.span()=> struct #name {});
    quote! {
        #(#conditions)*
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #visibility #structure
    }
}

fn fields<'a>(
    stage: &'a Stage<'a>,
    pick: fn(&'a Parameter<'a>) -> Option<&'a Field<'a>>,
) -> Vec<&'a Field<'a>> {
    stage.parameters.iter().filter_map(pick).collect()
}

/// Which stage this is. The place of the attribute tells apart two stages of two function bodies.
pub fn path(name: &Ident, private: &TokenStream) -> TokenStream {
    let text = plain(name);
    quote!(#private::StagePath::new(::core::module_path!(), #text, ::core::line!(), ::core::column!()))
}

/// What the stage says about itself.
pub fn declaration(
    name: &Ident,
    attributes: &[syn::Attribute],
    options: &Options,
    library: &TokenStream,
    requires: &TokenStream,
) -> TokenStream {
    let plain = plain(name);
    let id = options.id.as_ref().map_or_else(|| kebab(&plain), syn::LitStr::value);
    let title = options.name.as_ref().map_or_else(|| title(&plain), syn::LitStr::value);
    let description = docs::text(attributes);
    let version = options.version.map(|version| quote!(.version(#version)));
    let timeout = options.timeout.map(|millis| quote!(.timeout_millis(#millis)));
    let retry = options.retry.as_ref().map(|retry| {
        let policy = retry.expand(library);
        quote!(.retry(#policy))
    });
    quote!(#library::StageDeclaration::new(#id, #title, #description) #version #timeout #retry #requires)
}

fn implementation(
    stage: &Stage<'_>,
    library: &TokenStream,
    input_type: &TokenStream,
    config_type: &TokenStream,
    inputs: &[&Field<'_>],
) -> TokenStream {
    let private = quote!(#library::__private);
    let name = &stage.function.signature.ident;
    let returns = stage.returns;
    let output = respan(quote!(<#returns as #private::Returns>::Output), output_span(returns));
    let types = inputs.iter().map(|field| field.ty);
    let parameters = if let [only] = inputs {
        let ty = only.ty;
        quote!(#ty)
    } else {
        quote!((#(#types),*))
    };
    let requirements = stage.reads.iter().enumerate().map(|(index, read)| {
        let alias = read_alias(index);
        let kind = if read.optional { quote!(optional) } else { quote!(required) };
        quote!(#library::Requirement::#kind::<#alias>())
    });
    let requires = (!stage.reads.is_empty()).then(|| quote!(.requires(&[#(#requirements),*])));
    let declaration =
        declaration(name, &stage.function.attributes, stage.options, library, &requires.unwrap_or_default());
    let path = path(name, &private);
    let run = run(stage, &private);
    quote! {
        impl #library::Stage for #name {
            type Input = #input_type;
            type Config = #config_type;
            type Output = #output;
            type Parameters = #parameters;
            const PATH: #library::StagePath = #path;
            const DECLARATION: #library::StageDeclaration = #declaration;
            #run
        }
    }
}

/// The call of the function.
fn run(stage: &Stage<'_>, private: &TokenStream) -> TokenStream {
    let name = &stage.function.signature.ident;
    let [input, config, context] =
        ["input", "config", "context"].map(|name| Ident::new(name, Span::mixed_site()));
    let prepare = stage.reads.iter().enumerate().filter(|(_, read)| read.by_option).map(|(index, read)| {
        let alias = read_alias(index);
        let function = if read.optional { quote!(prepare_optional) } else { quote!(prepare) };
        quote!(#private::#function::<#alias>(&#context)?;)
    });
    let arguments = stage.parameters.iter().map(|parameter| match parameter {
        Parameter::Input(Field { name, .. }) => quote!(#input.#name),
        Parameter::Config(Field { name, .. }) => quote!(#config.#name),
        Parameter::Read { read, ty, by_reference } => {
            let alias = read_alias(*read);
            let function = match (stage.reads[*read].optional, by_reference) {
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
            quote!(#call(&#context)?)
        }
        Parameter::Context(ty) => {
            let call = respan(quote!(<#ty as #private::ContextOf<Self>>::of), ty.span());
            quote!(&#call(&#context))
        }
    });
    // rustc underlines the argument when it is the argument's type that does not convert.
    let error = Ident::new("__error", error_span(stage.returns));
    let failure = respan(quote!(#private::Failure::into_error), error.span());
    let pin = respan(quote!(#private::Box::pin), name.span());
    // The name's span: a future that is not `Send` is reported where the function is named.
    quote_spanned! {name.span()=>
        #[allow(unused_variables)]
        fn run(
            #input: Self::Input,
            #config: Self::Config,
            #context: #private::StageContext,
        ) -> #private::Running<Self::Output> {
            #pin(async move {
                #(#prepare)*
                match #name(#(#arguments),*).await {
                    ::core::result::Result::Ok(output) => ::core::result::Result::Ok(output),
                    ::core::result::Result::Err(#error) => ::core::result::Result::Err(#failure(#error)),
                }
            })
        }
    }
}

/// What may stand before this stage.
fn accepts(name: &Ident, input: &Ident, fields: &[&Field<'_>], private: &TokenStream) -> TokenStream {
    let names: Vec<&Ident> = fields.iter().map(|field| field.name).collect();
    let types: Vec<&Type> = fields.iter().map(|field| field.ty).collect();
    let from = match (names.as_slice(), types.as_slice()) {
        ([], _) | (_, []) => {
            return quote! {
                impl<__V> #private::Accepts<__V> for #name {
                    fn accept(_: __V) -> Self::Input {
                        #private::NoInput
                    }

                    fn nothing() -> ::core::option::Option<Self::Input> {
                        ::core::option::Option::Some(#private::NoInput)
                    }
                }
            };
        }
        ([name], [ty]) => quote! {
            impl ::core::convert::From<#ty> for #input {
                fn from(#name: #ty) -> Self {
                    Self { #name }
                }
            }
        },
        _ => quote! {
            impl ::core::convert::From<(#(#types),*)> for #input {
                fn from((#(#names),*): (#(#types),*)) -> Self {
                    Self { #(#names),* }
                }
            }
        },
    };
    quote! {
        #from

        #[diagnostic::do_not_recommend]
        impl<__V> #private::Accepts<__V> for #name
        where
            #input: ::core::convert::From<__V>,
        {
            fn accept(value: __V) -> Self::Input {
                ::core::convert::From::from(value)
            }
        }

        impl #private::Accepts<#private::Faulty> for #name {
            fn accept(value: #private::Faulty) -> Self::Input {
                value.never()
            }
        }
    }
}

/// The stages that this one reads, each path named once, and what that allows it to ask its context for.
fn reads(stage: &Stage<'_>, private: &TokenStream) -> TokenStream {
    let name = &stage.function.signature.ident;
    stage
        .reads
        .iter()
        .enumerate()
        .map(|(index, read)| {
            let alias = read_alias(index);
            let path = &read.path;
            let declared = if read.optional { quote!(Optionally) } else { quote!(Requires) };
            quote! {
                type #alias = #path;
                impl #private::#declared<#alias> for #name {}
            }
        })
        .collect()
}

fn read_alias(index: usize) -> Ident {
    format_ident!("__Read{index}", span = Span::mixed_site())
}

/// Where a mistake in the output's type is underlined: at `T` of `Result<T, E>`, if it is written so.
fn output_span(returns: &Type) -> Span {
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
