//! The additional items of a stage that waits.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Path, Type, parse_quote};

use super::attr::Options;
use super::call::local;
use super::valid::{Default, Field};
use crate::casing::plain;
use crate::function::Kind;
use crate::paths::{self, respan};

/// How a stage waits.
pub struct Wait<'a> {
    stage: &'a Ident,
    options: &'a Options,
    path: &'a Path,
    /// `__private`.
    private: Ident,
    /// The field of the stage's configuration for the check: documentation, name and type.
    field: (Vec<Attribute>, Ident, Type),
}

impl<'a> Wait<'a> {
    /// `None` for a stage that does not wait.
    pub fn new(stage: &'a Ident, options: &'a Options, library: &TokenStream) -> Option<Self> {
        let path = options.check.as_ref()?;
        let name = path.segments.last()?.ident.clone();
        let doc = format!(" The configuration of the check `{}`.", plain(&name));
        // The structure is outside the scope of the alias, and the path is named only in that scope.
        let ty = parse_quote!(
            <<#stage as #library::__private::Waits>::Check as #library::__private::CheckFunction>::Config
        );
        let private = paths::private();
        Some(Self { stage, options, path, private, field: (vec![parse_quote!(#[doc = #doc])], name, ty) })
    }

    /// The check's configuration as a field of the stage's configuration, if the stage has one.
    pub fn config_field(&self) -> Field<'_> {
        let (attributes, name, ty) = &self.field;
        Field { attributes, name, ty, key: String::new(), default: Default::Flatten, rules: Vec::new() }
    }

    /// The check's configuration as the stage's configuration, if the stage has none. The whole item has the span of the path,
    /// here and below: rustc underlines an item that contains a private type.
    pub fn config(&self) -> TokenStream {
        let private = &self.private;
        self.on_path(quote!(type Config = <__Check as #private::CheckFunction>::Config;))
    }

    /// The output.
    pub fn output(&self) -> TokenStream {
        let private = &self.private;
        self.on_path(quote!(type Output = <__Check as #private::CheckFunction>::Output;))
    }

    /// The calls that add the wait to the stage's declaration.
    pub fn declaration(&self) -> TokenStream {
        let private = &self.private;
        let poll_every = self.options.poll_every.as_ref().map(|option| {
            let millis = option.value;
            quote!(.poll_every_millis(#millis))
        });
        let give_up_after = give_up_after(self.options);
        quote! {
            .waits(
                #private::wait_definition::<Self>() #poll_every #give_up_after,
                <<Self as #private::Waits>::Check as #private::CheckFunction>::REQUIRES,
                <<Self as #private::Waits>::Check as #private::CheckFunction>::STATE,
            )
        }
    }

    /// Stores the ticket, which must have the type that the check takes.
    pub fn store(&self, returned: &TokenStream, ticket: &Ident) -> TokenStream {
        let private = &self.private;
        let accepted = quote!(<__Check as #private::CheckFunction>::Ticket);
        let store = self.on_path(quote!(<#returned as #private::TicketFor<Self, __Check, #accepted>>::store));
        quote!(#store(#ticket))
    }

    /// The alias of the check, and the implementation of `Waits`.
    pub fn implementation(&self, prepare: &TokenStream, has_config: bool) -> TokenStream {
        let Self { stage, path, private, field: (_, name, _), .. } = self;
        let config = local("config");
        let context = if prepare.is_empty() { format_ident!("_context") } else { local("context") };
        let check_config = if has_config { quote!(#config.#name) } else { quote!(#config) };
        let alias = Ident::new("__Check", path.span());
        let known = paths::known(&alias, path, &quote!(#private), Kind::Check, &[]);
        let check = quote_spanned!(self.span()=> type Check = #alias;);
        quote! {
            #known

            impl #private::Waits for #stage {
                #check

                fn check_config(#config: Self::Config) -> <#alias as #private::CheckFunction>::Config {
                    #check_config
                }

                fn prepare(#context: &#private::StageContext) -> #private::Result<(), #private::StageError> {
                    #prepare
                    #private::Result::Ok(())
                }
            }
        }
    }

    fn on_path(&self, tokens: TokenStream) -> TokenStream {
        respan(tokens, self.span())
    }

    fn span(&self) -> Span {
        self.path.span()
    }
}

/// The call that sets the longest wait.
pub fn give_up_after(options: &Options) -> Option<TokenStream> {
    let millis = options.give_up_after.as_ref()?.value;
    Some(quote!(.give_up_after_millis(#millis)))
}

/// The output of a stage that waits and whose declaration has a mistake.
pub fn output(check: &Path, private: &TokenStream) -> TokenStream {
    respan(quote!(<#check as #private::CheckFunction>::Output), check.span())
}
