//! Completion of options. For an editor, the arguments of an attribute are tokens without meaning. The expansion therefore
//! imports the same tokens from a module of documented constants, for rust-analyzer only.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, FnArg, Meta, Path};

use crate::paths;
use crate::stage::ast::Function;

/// The names of options, each with its module of constants.
#[derive(Default)]
pub struct Names(Vec<(Ident, Ident)>);

impl Names {
    /// Reads the options in the brackets of an attribute or of another option, also incomplete ones.
    pub fn read(&mut self, module: &str, options: TokenStream) {
        let mut options = options.into_iter().peekable();
        let mut begins = true;
        while let Some(token) = options.next() {
            match token {
                // A keyword cannot be imported.
                TokenTree::Ident(name) if begins && name != "crate" => {
                    if name == "retry"
                        && let Some(TokenTree::Group(group)) = options.peek()
                    {
                        self.read("retry", group.stream());
                    }
                    self.0.push((Ident::new(module, Span::call_site()), name));
                    begins = false;
                }
                TokenTree::Punct(punct) => begins = punct.as_char() == ',',
                _ => begins = false,
            }
        }
    }

    /// Reads the options of the attributes with this name.
    pub fn read_attributes(&mut self, name: &str, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            if let Meta::List(list) = &attribute.meta {
                self.read(name, list.tokens.clone());
            }
        }
    }

    /// Reads the options of a function's parameters.
    pub fn read_parameters(&mut self, function: &Function) {
        for parameter in &function.signature.inputs {
            if let FnArg::Typed(typed) = parameter {
                self.read_attributes("config", &typed.attrs);
                self.read_attributes("input", &typed.attrs);
            }
        }
    }

    /// The imports, for a place that allows `unexpected_cfgs`: rustc does not know `rust_analyzer` and would warn in every
    /// crate that uses the macros.
    pub fn imports(&self, krate: Option<&Path>) -> Option<TokenStream> {
        if self.0.is_empty() {
            return None;
        }
        let library = paths::library(krate);
        let imports =
            self.0.iter().map(|(module, name)| quote!(use #library::__private::ide::#module::{#name as _};));
        Some(quote! {
            #[cfg(rust_analyzer)]
            #[allow(unused_imports)]
            const _: () = { #(#imports)* };
        })
    }

    /// The imports, for any place.
    pub fn expand(&self, krate: Option<&Path>) -> Option<TokenStream> {
        self.imports(krate).map(|imports| quote!(#[allow(unexpected_cfgs)] const _: () = { #imports };))
    }
}
