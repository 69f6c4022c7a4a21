//! Mistakes that rustc reports before it calls the macro. The macro reports none of them, because a second error would
//! repeat the first.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, FnArg, Result, Token};

/// The head of a function without the defaults of parameters, `limit: usize = 3`, and without a `const` after `async`.
pub fn without_reported(head: TokenStream) -> TokenStream {
    let mut has_name = false;
    let mut is_async = false;
    let tokens = head.into_iter().filter_map(|token| match token {
        TokenTree::Ident(word) if word == "const" && is_async => None,
        TokenTree::Ident(word) => {
            is_async = word == "async";
            has_name |= word == "fn";
            Some(word.into())
        }
        TokenTree::Group(group) if has_name && group.delimiter() == Delimiter::Parenthesis => {
            let Ok(parameters) = without_defaults.parse2(group.stream()) else { return Some(group.into()) };
            let mut whole = Group::new(Delimiter::Parenthesis, parameters);
            whole.set_span(group.span());
            Some(whole.into())
        }
        other => Some(other),
    });
    tokens.collect()
}

fn without_defaults(input: ParseStream<'_>) -> Result<TokenStream> {
    let parameter = |input: ParseStream<'_>| {
        let parameter: FnArg = input.parse()?;
        if input.parse::<Option<Token![=]>>()?.is_some() {
            input.parse::<Expr>()?;
        }
        Ok(parameter)
    };
    Punctuated::<FnArg, Token![,]>::parse_terminated_with(input, parameter).map(ToTokens::into_token_stream)
}

/// Returns whether the attribute is on a closure or on a `let` statement, which rustc refuses for every attribute macro.
pub fn is_refused(item: &TokenStream) -> bool {
    match item.clone().into_iter().next() {
        Some(TokenTree::Punct(punct)) => punct.as_char() == '|',
        Some(TokenTree::Ident(word)) => word == "move" || word == "let",
        _ => false,
    }
}
