//! The expansion after a mistake: the errors, the function, and a placeholder stage, so that the users of the stage report
//! no further errors.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::ast::Function;
use super::attr::Options;
use super::expand::{declaration, marker, path};
use super::{signal, valid, wait};
use crate::errors::Errors;
use crate::function::Kind;
use crate::{docs, paths};

pub fn expand(function: &Function, options: &Options, mut errors: Errors) -> TokenStream {
    let untouched = function.untouched();
    if !function.allows_type() {
        let errors = errors.to_compile_errors();
        return quote!(#errors #untouched);
    }
    let name = &function.signature.ident;
    let library = paths::library(options.krate.as_ref());
    let private = paths::private().into_token_stream();
    let import = paths::import(&library);
    let conditions = docs::conditions(&function.attributes).collect::<Vec<_>>();
    let marker = marker(Kind::Stage, name, &function.visibility, &conditions);
    let [arguments, calls] = declaration(name, &function.attributes, options, &private, &TokenStream::new());
    let path = path(name, &private);
    // The output is usually known in spite of the mistake.
    let payload = options.signal.as_ref().map(|signal| &signal.value);
    let output = match (&options.check, payload, valid::output(Kind::Stage, function)) {
        (Some(check), ..) => wait::output(check, &private),
        (None, Some(payload), _) => payload.to_token_stream(),
        (None, None, Some(returns)) => quote!(<#returns as #private::Returns>::Output),
        (None, None, None) => errors.as_type(),
    };
    let signalled = payload.map(|_| signal::implementation(name, &quote!(#private::Faulty), &private));
    let errors = errors.to_compile_errors();
    quote! {
        #errors
        #untouched
        #marker
        #(#conditions)*
        const _: () = {
            #import
            impl #private::Stage for #name {
                type Input = #private::NoInput;
                type Config = #private::NoConfig;
                type Output = #output;
                const PATH: #private::StagePath = #path;
                const DECLARATION: #private::StageDeclaration = #private::StageDeclaration::new(Self::PATH, #arguments) #calls;
                fn run(
                    _: Self::Input,
                    _: Self::Config,
                    _: #private::StageContext,
                ) -> #private::Running<#private::Json> {
                    ::core::unreachable!()
                }
            }
            #signalled
            impl<__R> #private::Requires<__R> for #name {}
            impl<__R> #private::Optionally<__R> for #name {}
        };
    }
}
