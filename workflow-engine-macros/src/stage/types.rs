//! Properties of types that are visible in their tokens.

use syn::{GenericArgument, Lifetime, PathArguments, Type};

/// `T` of a type that is written `Option<T>`.
pub fn option_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    if path.qself.is_some() || last.ident != "Option" {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) if arguments.args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// `T` of a type that is written `StageResult<T>` or `Result<T, E>`.
pub fn result_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Returns whether a type can be a `Result`, which can have an alias of any name, with or without arguments. Types that
/// cannot be one are refused here, because rustc would report them three times.
pub fn may_be_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_none_or(|last| {
            let name = last.ident.to_string();
            let other = ["Option", "Vec", "Box", "Arc", "HashMap", "BTreeMap"].contains(&name.as_str());
            name.ends_with("Result") || !(last.arguments.is_none() || other)
        }),
        Type::Group(group) => may_be_result(&group.elem),
        Type::Paren(paren) => may_be_result(&paren.elem),
        Type::Macro(_) => true,
        _ => false,
    }
}

/// The first `impl Trait` in a type.
pub fn find_impl_trait(ty: &Type) -> Option<&Type> {
    match ty {
        Type::ImplTrait(_) => Some(ty),
        Type::Reference(reference) => find_impl_trait(&reference.elem),
        Type::Paren(paren) => find_impl_trait(&paren.elem),
        Type::Group(group) => find_impl_trait(&group.elem),
        Type::Array(array) => find_impl_trait(&array.elem),
        Type::Slice(slice) => find_impl_trait(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(find_impl_trait),
        Type::Path(path) => path.path.segments.iter().find_map(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => {
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => find_impl_trait(ty),
                    _ => None,
                })
            }
            _ => None,
        }),
        _ => None,
    }
}

/// The first type in a stored type that can never be stored, and that rustc would report several times or without the
/// reason: a reference cannot be read back, and an `Rc` is neither `Send` nor `Sync`. It checks known collections only,
/// because a type of the user's own can ignore its arguments.
pub fn find_unstorable(ty: &Type) -> Option<&Type> {
    const COLLECTIONS: [&str; 10] =
        ["BTreeMap", "BTreeSet", "Box", "Check", "HashMap", "HashSet", "Option", "Result", "Vec", "VecDeque"];

    match ty {
        Type::Reference(_) => Some(ty),
        Type::Paren(paren) => find_unstorable(&paren.elem),
        Type::Group(group) => find_unstorable(&group.elem),
        Type::Array(array) => find_unstorable(&array.elem),
        Type::Slice(slice) => find_unstorable(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(find_unstorable),
        Type::Path(path) => path.path.segments.iter().find_map(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(_) if segment.ident == "Rc" => Some(ty),
            PathArguments::AngleBracketed(arguments)
                if COLLECTIONS.iter().any(|name| segment.ident == name) =>
            {
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => find_unstorable(ty),
                    _ => None,
                })
            }
            _ => None,
        }),
        _ => None,
    }
}

/// The first lifetime among a type's arguments that is not `'static`. The lifetime of an outer reference does not count: the
/// role of the parameter decides about references.
pub fn find_lifetime(ty: &Type) -> Option<&Lifetime> {
    match ty {
        Type::Reference(reference) => find_lifetime(&reference.elem),
        Type::Paren(paren) => find_lifetime(&paren.elem),
        Type::Group(group) => find_lifetime(&group.elem),
        Type::Array(array) => find_lifetime(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(find_lifetime),
        Type::Path(path) => path.path.segments.iter().find_map(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => {
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Lifetime(lifetime) if lifetime.ident != "static" => Some(lifetime),
                    GenericArgument::Type(ty) => find_lifetime(ty),
                    _ => None,
                })
            }
            _ => None,
        }),
        _ => None,
    }
}
