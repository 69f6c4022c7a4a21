//! The types of `#[state]` parameters.

use syn::{Error, Type};

use super::types::{find_impl_trait, find_lifetime, option_argument};
use crate::errors::state as errors;
use crate::function::Kind;

/// The type of the value: without the reference of the parameter.
pub fn value(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => &reference.elem,
        _ => ty,
    }
}

/// The mistake in the type, if its tokens show one. rustc checks the rest where the value is read.
pub fn mistake(kind: Kind, ty: &Type) -> Option<Error> {
    let value = value(ty);
    if let Some(token) = find_impl_trait(ty) {
        return Some(errors::impl_trait(kind, token));
    }
    if let Some(lifetime) = find_lifetime(ty) {
        return Some(errors::lifetime(kind, lifetime));
    }
    if let Some(inner) = option_argument(value) {
        return Some(errors::optional(ty, inner));
    }
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => Some(errors::mutable(ty, value)),
        Type::Reference(reference) if reference.lifetime.is_some() => {
            Some(errors::named_lifetime(kind, &reference.lifetime, value))
        }
        _ if is_without_size(value) => Some(errors::without_size(ty, value)),
        _ => None,
    }
}

/// Returns whether a type visibly has no known size.
fn is_without_size(ty: &Type) -> bool {
    match ty {
        Type::Slice(_) | Type::TraitObject(_) => true,
        Type::Paren(paren) => is_without_size(&paren.elem),
        Type::Group(group) => is_without_size(&group.elem),
        Type::Path(path) => path.path.is_ident("str"),
        _ => false,
    }
}
