//! Decides what each parameter is, and what a stage may not be. Everything after this cannot fail.

use syn::{Expr, FnArg, Ident, Pat, PatType, Path, ReturnType, Type};

use super::ast::Function;
use super::attr::{Options, Role};
use super::types::{find_impl_trait, find_lifetime, may_be_result, option_argument};
use crate::errors::{self, Errors};
use crate::paths;

/// A stage without mistakes in its tokens.
pub struct Stage<'a> {
    pub function: &'a Function,
    pub options: &'a Options,
    /// In the order of the function's parameters.
    pub parameters: Vec<Parameter<'a>>,
    /// What the function returns, `StageResult<T>`.
    pub returns: &'a Type,
    /// Required and optional stages, those of parameters first.
    pub reads: Vec<Read>,
}

pub enum Parameter<'a> {
    Input(Field<'a>),
    Config(Field<'a>),
    /// A required or optional output: the index into [`Stage::reads`], the type of the value, and whether it is
    /// taken by reference.
    Read {
        read: usize,
        ty: &'a Type,
        by_reference: bool,
    },
    Context(&'a Type),
}

/// A field of the generated input or configuration.
pub struct Field<'a> {
    pub typed: &'a PatType,
    pub name: &'a Ident,
    pub ty: &'a Type,
    pub default: Default,
}

/// What a field is when its key is absent.
pub enum Default {
    /// An error.
    None,
    Expr(Expr),
    /// `Option` without `default`.
    Absent,
    /// The defaults of its own fields, whose keys stand among its owner's.
    Flatten,
}

/// A stage whose output this one reads.
pub struct Read {
    pub path: Path,
    pub optional: bool,
    /// By `#[stage(require(…))]`: read through the context, and decoded before the body starts.
    pub by_option: bool,
}

impl<'a> Stage<'a> {
    /// `None` after a mistake, which is then in `errors`.
    pub fn new(function: &'a Function, options: &'a Options, errors: &mut Errors) -> Option<Self> {
        check_signature(function, errors);
        let mut reads = Vec::new();
        let mut parameters = Vec::new();
        let mut has_context = false;
        for parameter in &function.signature.inputs {
            match parameter {
                FnArg::Receiver(receiver) => errors.push(errors::stage::receiver(receiver)),
                FnArg::Typed(typed) => {
                    parameters.extend(classify(typed, &mut reads, &mut has_context, errors));
                }
            }
        }
        for (paths, optional) in [(&options.require, false), (&options.optional, true)] {
            for path in paths {
                let read = Read { path: path.clone(), optional, by_option: true };
                add(&mut reads, read, errors);
            }
        }
        let returns = returns(function, errors)?;
        Some(Self { function, options, parameters, returns, reads })
    }
}

fn check_signature(function: &Function, errors: &mut Errors) {
    let signature = &function.signature;
    if signature.asyncness.is_none() {
        errors.push(errors::stage::not_async(signature.fn_token));
    }
    if let Some(abi) = &signature.abi {
        errors.push(errors::stage::qualifier(abi, "extern"));
    }
    if let syn::Safety::Unsafe(token) = &signature.safety {
        errors.push(errors::stage::qualifier(token, "unsafe"));
    }
    if let Some(where_clause) = &signature.generics.where_clause {
        errors.push(errors::stage::where_clause(where_clause.where_token));
    }
    if !signature.generics.params.is_empty() {
        errors.push(errors::stage::generics(&signature.generics.params));
    }
    if let Some(variadic) = &signature.variadic {
        errors.push(errors::stage::variadic(variadic));
    }
}

/// What the function returns, if it can be a stage's.
fn returns<'a>(function: &'a Function, errors: &mut Errors) -> Option<&'a Type> {
    let ReturnType::Type(_, ty) = &function.signature.output else {
        errors.push(errors::stage::no_output(&function.signature.ident));
        return None;
    };
    if let Some(token) = find_impl_trait(ty) {
        errors.push(errors::stage::impl_trait(token, "output"));
        return None;
    }
    if !may_be_result(ty) {
        errors.push(errors::stage::no_result(ty));
        return None;
    }
    Some(ty)
}

/// As [`returns`], where the mistakes have been reported.
pub fn output(function: &Function) -> Option<&Type> {
    returns(function, &mut Errors::default())
}

fn classify<'a>(
    typed: &'a PatType,
    reads: &mut Vec<Read>,
    has_context: &mut bool,
    errors: &mut Errors,
) -> Option<Parameter<'a>> {
    let role = Role::parse(&typed.attrs, errors)?;
    let ty = typed.ty.as_ref();
    if let Some(token) = find_impl_trait(ty) {
        errors.push(errors::stage::impl_trait(token, "parameter"));
        return None;
    }
    if let Some(lifetime) = find_lifetime(ty) {
        errors.push(errors::stage::lifetime(lifetime));
        return None;
    }
    if let Some(elem) = context(ty) {
        return context_parameter(ty, elem, typed, has_context, errors);
    }
    match role {
        Role::Require(path) => {
            let (ty, by_reference) = shared(ty, errors)?;
            let read = add(reads, Read { path, optional: false, by_option: false }, errors);
            Some(Parameter::Read { read, ty, by_reference })
        }
        Role::Optional(path) => {
            let Some(inner) = option_argument(ty) else {
                errors.push(errors::stage::optional_type(ty));
                return None;
            };
            let (ty, by_reference) = shared(inner, errors)?;
            let read = add(reads, Read { path, optional: true, by_option: false }, errors);
            Some(Parameter::Read { read, ty, by_reference })
        }
        Role::Plain => {
            if matches!(ty, Type::Reference(_)) {
                errors.push(errors::stage::borrowed_input(ty));
                return None;
            }
            Some(Parameter::Input(Field { typed, name: name(typed, errors)?, ty, default: Default::None }))
        }
        Role::Config(config) => {
            if matches!(ty, Type::Reference(_)) {
                errors.push(errors::stage::borrowed_config(ty));
                return None;
            }
            let default = match config.default {
                Some(default) => Default::Expr(default),
                None if config.flatten => Default::Flatten,
                None if option_argument(ty).is_some() => Default::Absent,
                None => Default::None,
            };
            Some(Parameter::Config(Field { typed, name: name(typed, errors)?, ty, default }))
        }
    }
}

/// The type behind a shared reference, and whether there was one.
fn shared<'a>(ty: &'a Type, errors: &mut Errors) -> Option<(&'a Type, bool)> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            errors.push(errors::stage::mutable_reference(ty));
            None
        }
        Type::Reference(reference) => Some((&reference.elem, true)),
        _ => Some((ty, false)),
    }
}

/// What a context parameter refers to; `None` for every other parameter.
///
/// Only the name tells a context from a borrowed input; the type is checked where the stage is called.
fn context(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) if named(&reference.elem, |name| name.ends_with("Context")) => {
            Some(&reference.elem)
        }
        // By value it is a mistake; a type of the user's own may well be called `DocumentContext`.
        _ if named(ty, |name| name == "StageContext") => Some(ty),
        _ => None,
    }
}

fn named(ty: &Type, accept: impl Fn(&str) -> bool) -> bool {
    match ty {
        Type::Path(path) if path.qself.is_none() => {
            path.path.segments.last().is_some_and(|segment| accept(&segment.ident.to_string()))
        }
        _ => false,
    }
}

fn context_parameter<'a>(
    ty: &'a Type,
    elem: &'a Type,
    typed: &PatType,
    has_context: &mut bool,
    errors: &mut Errors,
) -> Option<Parameter<'a>> {
    let Type::Reference(reference) = ty else {
        errors.push(errors::stage::context_by_value(ty));
        return None;
    };
    if let Some(attribute) = typed.attrs.iter().find(|attribute| Role::is_role(attribute)) {
        errors.push(errors::stage::context_with_role(attribute));
        return None;
    }
    if reference.mutability.is_some() {
        errors.push(errors::stage::mutable_reference(ty));
        return None;
    }
    if std::mem::replace(has_context, true) {
        errors.push(errors::stage::two_contexts(ty));
        return None;
    }
    Some(Parameter::Context(elem))
}

fn name<'a>(typed: &'a PatType, errors: &mut Errors) -> Option<&'a Ident> {
    match typed.pat.as_ref() {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Some(&pattern.ident),
        other => {
            errors.push(errors::stage::pattern(other));
            None
        }
    }
}

fn add(reads: &mut Vec<Read>, read: Read, errors: &mut Errors) -> usize {
    if reads.iter().any(|other| paths::same(&other.path, &read.path)) {
        let name = read.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        errors.push(errors::stage::twice(&read.path, &name));
    }
    reads.push(read);
    reads.len() - 1
}
