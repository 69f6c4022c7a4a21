//! Paths in the expansion.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The library: `::workflow_engine`, or what the option `crate` says.
pub fn library(path: Option<&Path>) -> TokenStream {
    path.map_or_else(|| quote!(::workflow_engine), ToTokens::to_token_stream)
}

/// Two paths written with the same tokens.
pub fn same(a: &Path, b: &Path) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}
