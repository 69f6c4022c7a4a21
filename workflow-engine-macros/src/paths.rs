//! Paths in the expansion, and where they are said to stand.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Path};

use crate::function::Kind;

/// The library: `::workflow_engine`, or what the option `crate` says.
pub fn library(path: Option<&Path>) -> TokenStream {
    path.map_or_else(|| quote!(::workflow_engine), ToTokens::to_token_stream)
}

/// What stands at the head of an anonymous constant: inside of it the library is one short path, because every token of
/// the expansion costs time after every edit.
pub fn import(library: &TokenStream) -> TokenStream {
    quote!(use #library::__private;)
}

/// The library's part for generated code, after an [`import`].
pub fn private() -> Ident {
    Ident::new("__private", Span::call_site())
}

/// The same name under another span.
pub fn at(name: &Ident, span: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(span);
    name
}

/// The alias of the type at `path`, which must be a stage or a check. The path is named once in it, so that one that
/// leads nowhere is reported once.
///
/// Whatever else stands there is refused here, once: the constant then has no value, and a type that depends on it is an
/// error to rustc, which says nothing more of whatever has to do with it.
pub fn known(
    alias: &Ident,
    path: &Path,
    private: &TokenStream,
    kind: Kind,
    conditions: &[&Attribute],
) -> TokenStream {
    let span = path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
    let named = named(alias);
    let proof = match kind {
        Kind::Stage => quote!(Stage > ::IS_STAGE),
        Kind::Check => quote!(CheckFunction > ::IS_CHECK),
    };
    let proof = respan(quote!(<#named as #private::#proof), span);
    quote! {
        #(#conditions)*
        type #named = #path;
        #(#conditions)*
        type #alias = <#named as #private::Known<{ #proof }>>::Type;
    }
}

/// The alias of the path itself, whatever it leads to.
pub fn named(alias: &Ident) -> Ident {
    format_ident!("{alias}Path", span = alias.span())
}

/// Two paths written with the same tokens.
pub fn same(a: &Path, b: &Path) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}

/// The same tokens under another span, inside groups too. Not for local variables: whose they are goes with it.
pub fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let mut new = Group::new(group.delimiter(), respan(group.stream(), span));
                new.set_span(span);
                return new.into();
            }
            token.set_span(span);
            token
        })
        .collect()
}
