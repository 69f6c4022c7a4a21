//! Paths in the expansion, and their spans.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Path};

use crate::function::Kind;

/// The path of the library: `::workflow_engine`, or the option `crate`.
pub fn library(path: Option<&Path>) -> TokenStream {
    path.map_or_else(|| quote!(::workflow_engine), ToTokens::to_token_stream)
}

/// The import at the start of an anonymous constant. It makes the path of the library short: rustc processes every token of
/// the expansion again after each edit.
pub fn import(library: &TokenStream) -> TokenStream {
    quote!(use #library::__private;)
}

/// The library's part for generated code, after an [`import`].
pub fn private() -> Ident {
    Ident::new("__private", Span::call_site())
}

/// The same name with another span.
pub fn at(name: &Ident, span: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(span);
    name
}

/// The alias of the type at `path`, which must be a stage or a check. It contains the path once, so that a wrong path is
/// reported once.
///
/// Any other type is refused here, once: the constant has no value, so the alias is an error to rustc, which then reports
/// nothing else that depends on it.
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

/// The alias of the path itself, of any type.
pub fn named(alias: &Ident) -> Ident {
    format_ident!("{alias}Path", span = alias.span())
}

/// Returns whether two paths have the same tokens.
pub fn same(a: &Path, b: &Path) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}

/// The same tokens with another span, also inside groups. Not for local variables, because the span decides their hygiene.
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
