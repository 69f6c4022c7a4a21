//! Generates the items of a check. It cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Path;

use crate::casing::{pascal, plain};
use crate::function::Kind;
use crate::paths::respan;
use crate::stage::call::{aliases, arguments, failure, local, output_span, requirements, returned, state};
use crate::stage::expand::{configs, marker};
use crate::stage::record::Record;
use crate::stage::valid::{Body, Parameter};
use crate::{docs, paths};

/// The function, the type beside it, and the implementations. `names` are the options, for editors.
pub fn expand(check: &Body<'_>, krate: Option<&Path>, names: Option<&TokenStream>) -> TokenStream {
    let function = check.function;
    let name = &function.signature.ident;
    let visibility = &function.visibility;
    let library = paths::library(krate);
    let private = paths::private().into_token_stream();
    let import = paths::import(&library);
    let conditions = docs::conditions(&function.attributes).collect::<Vec<_>>();

    let untouched = function.untouched();
    let marker = marker(Kind::Check, name, visibility, &conditions);
    let configs = configs(check);
    let config_name = format_ident!("{}Config", pascal(&plain(name)), span = name.span());
    let record = (!configs.is_empty()).then(|| Record {
        name: &config_name,
        doc: format!(" The configuration of the check [`{}`](fn@{name}).", plain(name)),
        visibility,
        fields: &configs,
        strict: true,
        from: false,
        private: &private,
    });
    let structure = record.as_ref().map(|record| {
        let structure = record.structure();
        quote!(#(#conditions)* #structure)
    });
    let record_impls = record.as_ref().map(Record::implementations);
    let config = if configs.is_empty() { quote!(#private::NoConfig) } else { quote!(#config_name) };
    let aliases = aliases(check, &private);
    let implementation = implementation(check, &config);
    quote! {
        // A ticket can be a `&String`.
        #[allow(clippy::ptr_arg)]
        #untouched
        #marker
        #structure
        #(#conditions)*
        #[allow(deprecated, unexpected_cfgs, unused_qualifications, clippy::all, clippy::pedantic)]
        const _: () = {
            #import
            #names
            #aliases
            #record_impls
            #implementation
        };
    }
}

fn implementation(check: &Body<'_>, config: &TokenStream) -> TokenStream {
    let private = paths::private().into_token_stream();
    let name = &check.function.signature.ident;
    let ticket = check.parameters.iter().find_map(|parameter| match parameter {
        Parameter::Ticket(ty) => Some(*ty),
        _ => None,
    });
    let context = check.parameters.iter().find_map(|parameter| match parameter {
        Parameter::Context(ty) => Some(quote!(#ty)),
        _ => None,
    });
    let context = context.unwrap_or_else(|| quote!(#private::StageContext));
    let found = found(check, &private);
    let output = respan(quote!(type Output = #found::Output;), output_span(check.returns));
    let requirements = requirements(check, &private);
    let state =
        state(check, &private).map(|types| quote!(const STATE: &'static [#private::StateType] = &[#types];));
    let run = run(check, &private);
    quote! {
        impl #private::CheckFunction for #name {
            type Ticket = #ticket;
            type Config = #config;
            #output
            type Context = #context;
            const REQUIRES: &'static [#private::Requirement] = &[#requirements];
            #state
            #run
        }

        impl #private::IsCheck for #name {}

        impl #private::TakesTicket<#ticket> for #name {
            fn store<__S: #private::Stage>(
                ticket: #ticket,
            ) -> #private::Result<#private::Json, #private::StageError> {
                #private::store_ticket::<__S, Self>(ticket)
            }
        }
    }
}

/// The trait `Checked` of the function's return type, which has the output.
fn found(check: &Body<'_>, private: &TokenStream) -> TokenStream {
    let returned = returned(check, private);
    respan(quote!(<#returned as #private::Checked>), output_span(check.returns))
}

/// The call of the function.
fn run(check: &Body<'_>, private: &TokenStream) -> TokenStream {
    let name = &check.function.signature.ident;
    let [ticket, config, context, own, value]: [Ident; 5] =
        ["ticket", "config", "context", "own", "value"].map(local);
    let arguments = arguments(check, private, |_| quote!(&#own), |read| quote!(#read?));
    let found = found(check, private);
    let failure = failure(check, private);
    let pin = respan(quote!(#private::Box::pin), name.span());
    // With the name's span, rustc reports a future that is not `Send` at the name of the function.
    quote_spanned! {name.span()=>
        #[allow(unused_variables)]
        fn check(
            #ticket: Self::Ticket,
            #config: Self::Config,
            #context: #private::StageContext,
            #own: Self::Context,
        ) -> #private::Running<#private::Check<Self::Output>> {
            #pin(async move {
                match #name(#(#arguments),*).await {
                    #private::Result::Ok(#value) => #private::Result::Ok(#found::found(#value)),
                    #failure
                }
            })
        }
    }
}
