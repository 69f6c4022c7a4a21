//! The expansions of the macros. `UPDATE_EXPECT=1 cargo test -p durable-stages-macros` rewrites the snapshots.

mod choices;
mod completion;
mod half_typed;
mod snapshots;

use proc_macro2::{TokenStream, TokenTree};

/// The tokens of a piece of source.
fn tokens(source: &str) -> TokenStream {
    source.parse().expect("the source has balanced brackets")
}

/// Whether an identifier is somewhere in the tokens.
fn contains(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => contains(&group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
