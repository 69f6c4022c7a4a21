//! The expansion after a mistake: the errors, the function, and a placeholder check, so that the stage that waits for the
//! check reports no further errors.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

use crate::errors::Errors;
use crate::function::Kind;
use crate::stage::ast::Function;
use crate::stage::expand::marker;
use crate::stage::valid;
use crate::{docs, paths};

pub fn expand(function: &Function, krate: Option<&Path>, mut errors: Errors) -> TokenStream {
    let untouched = function.untouched();
    if !function.allows_type() {
        let errors = errors.to_compile_errors();
        return quote!(#errors #untouched);
    }
    let name = &function.signature.ident;
    let library = paths::library(krate);
    let private = paths::private().into_token_stream();
    let import = paths::import(&library);
    let conditions = docs::conditions(&function.attributes).collect::<Vec<_>>();
    let marker = marker(Kind::Check, name, &function.visibility, &conditions);
    // The stage's output is usually known in spite of the mistake.
    let output = valid::output(Kind::Check, function).map_or_else(
        || errors.as_type(),
        |returns| quote!(<<#returns as #private::Returns>::Output as #private::Checked>::Output),
    );
    let errors = errors.to_compile_errors();
    quote! {
        #errors
        #untouched
        #marker
        #(#conditions)*
        const _: () = {
            #import
            impl #private::CheckFunction for #name {
                type Ticket = #private::Faulty;
                type Config = #private::NoConfig;
                type Output = #output;
                type Context = #private::StageContext;
                const REQUIRES: &'static [#private::Requirement] = &[];
                fn check(
                    _: Self::Ticket,
                    _: Self::Config,
                    _: #private::StageContext,
                    _: Self::Context,
                ) -> #private::Running<#private::Check<Self::Output>> {
                    ::core::unreachable!()
                }
            }
            impl #private::IsCheck for #name {}
            impl<__T> #private::TakesTicket<__T> for #name {
                fn store<__S: #private::Stage>(
                    _: __T,
                ) -> #private::Result<#private::Json, #private::StageError> {
                    ::core::unreachable!()
                }
            }
        };
    }
}
