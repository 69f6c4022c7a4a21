//! Refuses functions whose signature cannot be that of a stage or a check.

use quote::ToTokens;
use syn::Signature;

use super::ast::{self, Function};
use crate::errors::{self, Errors};
use crate::function::Kind;

/// Reports what a stage or a check cannot be: a method, a generic function, a function that is not async.
pub fn check(kind: Kind, function: &Function, errors: &mut Errors) {
    let signature = &function.signature;
    if let Some(owner) = function.owner() {
        errors.push(errors::function::method(kind, owner));
    } else if function.is_bodiless() {
        errors.push(errors::function::no_body(kind, &signature.ident));
    }
    if let Some(attribute) = function.attributes.iter().find(|attribute| ast::is_macro(attribute)) {
        errors.push(errors::function::twice_applied(kind, attribute));
    }
    if ast::is_rusts(&signature.ident) {
        errors.push(errors::function::name_of_a_type(kind, &signature.ident));
    }
    check_qualifiers(kind, signature, errors);
    if let Some(where_clause) = &signature.generics.where_clause {
        errors.push(errors::function::where_clause(kind, where_clause.where_token));
    }
    if !signature.generics.params.is_empty() {
        errors.push(errors::function::generics(kind, &signature.generics.params));
    }
    if let Some(variadic) = &signature.variadic {
        errors.push(errors::function::variadic(kind, variadic));
    }
}

/// One error for all words before `fn`.
fn check_qualifiers(kind: Kind, signature: &Signature, errors: &mut Errors) {
    let qualifiers = [
        signature.constness.as_ref().map(|token| (token.to_token_stream(), "const")),
        match &signature.safety {
            syn::Safety::Unsafe(token) => Some((token.to_token_stream(), "unsafe")),
            _ => None,
        },
        signature.abi.as_ref().map(|abi| (abi.to_token_stream(), "extern")),
    ];
    let is_async = signature.asyncness.is_some();
    match qualifiers.into_iter().flatten().next() {
        Some((token, name)) => errors.push(errors::function::qualifier(kind, token, name, is_async)),
        None if !is_async => errors.push(errors::function::not_async(kind, signature.fn_token)),
        None => {}
    }
}
