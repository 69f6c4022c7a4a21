//! Messages about the values that the program gives to its stages.

use quote::ToTokens;
use syn::Error;

use super::{on, source};
use crate::function::Kind;

pub fn options(token: impl ToTokens) -> Error {
    on(token, "`#[state]` has no options: write `#[state] name: &Type`")
}

pub fn mutable(token: impl ToTokens, elem: impl ToTokens) -> Error {
    let written = source(&elem);
    on(
        token,
        format!(
            "all stages share their state, so it cannot be borrowed as mutable: write `&{written}`, and put what changes into a \
             `Mutex` or an atomic in it"
        ),
    )
}

pub fn optional(token: impl ToTokens, elem: impl ToTokens) -> Error {
    let written = source(&elem);
    on(
        token,
        format!(
            "an engine has the state of all its stages, so it is never absent: write `{written}` (for a value that can be \
             absent, give the engine a type of your own with an `Option` in it)"
        ),
    )
}

pub fn without_size(token: impl ToTokens, elem: impl ToTokens) -> Error {
    let written = source(&elem);
    on(
        token,
        format!(
            "`{written}` has no known size, so it cannot be state: write `&Arc<{written}>`, and give the engine an `Arc`"
        ),
    )
}

pub fn repeated(kind: Kind, token: impl ToTokens, elem: impl ToTokens) -> Error {
    let written = source(&elem);
    on(
        token,
        format!(
            "an engine has one value of type `{written}`, which another parameter of this {kind} takes: for a second value, \
             write a type of its own, `struct Second({written})`"
        ),
    )
}

pub fn impl_trait(kind: Kind, token: impl ToTokens) -> Error {
    let written = source(&token).replacen("impl ", "", 1);
    on(
        token,
        format!(
            "a {kind} finds its state by its type, which cannot be `impl Trait`: write `Arc<dyn {written}>`"
        ),
    )
}

pub fn named_lifetime(kind: Kind, token: impl ToTokens, elem: impl ToTokens) -> Error {
    let written = source(&elem);
    on(
        token,
        format!(
            "a {kind} borrows its state for one attempt: write `&{written}`, or take a `Clone` type by value"
        ),
    )
}

pub fn lifetime(kind: Kind, token: impl ToTokens) -> Error {
    on(
        token,
        format!(
            "a {kind}'s state lives as long as the engine, so it cannot borrow: use a type without lifetimes, or `'static`"
        ),
    )
}
