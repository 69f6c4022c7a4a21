//! Completion of options. To an editor an attribute's arguments are tokens without a meaning; an import of the same
//! tokens from a module of documented constants has one, and only rust-analyzer ever sees it.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, FnArg, Meta, Path};

use crate::paths;
use crate::stage::ast::Function;

/// The names of options, each with the module of constants in which it is looked up.
#[derive(Default)]
pub struct Names(Vec<(Ident, Ident)>);

impl Names {
    /// The options in the brackets of an attribute or of another option, as far as they are typed.
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

    /// The options of those attributes that are called so.
    pub fn read_attributes(&mut self, name: &str, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            if let Meta::List(list) = &attribute.meta {
                self.read(name, list.tokens.clone());
            }
        }
    }

    /// The options of a function's parameters.
    pub fn read_parameters(&mut self, function: &Function) {
        for parameter in &function.signature.inputs {
            if let FnArg::Typed(typed) = parameter {
                self.read_attributes("config", &typed.attrs);
            }
        }
    }

    /// The imports, for a place where `unexpected_cfgs` is allowed: rustc does not know the name, and says so of every
    /// crate that uses it.
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
