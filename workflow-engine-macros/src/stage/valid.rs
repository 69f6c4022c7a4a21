//! Classifies the parameters and refuses functions that cannot be a stage or a check. The steps after this cannot fail.

use syn::{Attribute, Expr, FnArg, Ident, LitStr, Pat, PatType, Path, ReturnType, Type};

use super::ast::Function;
use super::attr::Role;
use super::input::Input;
use super::rule::Rule;
use super::signature;
use super::state;
use super::types::{
    find_impl_trait, find_lifetime, find_unstorable, may_be_result, option_argument, result_argument,
};
use crate::casing::{Case, plain};
use crate::errors::{self, Errors};
use crate::function::Kind;
use crate::paths;

/// A function without visible mistakes.
pub struct Body<'a> {
    pub function: &'a Function,
    /// In the order of the function's parameters.
    pub parameters: Vec<Parameter<'a>>,
    /// The return type, `StageResult<T>`.
    pub returns: &'a Type,
    /// The required and optional stages; those of parameters come first.
    pub reads: Vec<Read>,
}

pub enum Parameter<'a> {
    Input(Field<'a>),
    Config(Field<'a>),
    /// A required or optional output: the index into [`Body::reads`], the type of the value, and whether it is
    /// taken by reference.
    Read {
        read: usize,
        ty: &'a Type,
        by_reference: bool,
    },
    /// A value of the program: its type, and whether it is taken by reference.
    State {
        ty: &'a Type,
        by_reference: bool,
    },
    Context(&'a Type),
    /// The ticket of a check: the type behind the reference.
    Ticket(&'a Type),
}

/// A field of the generated input or configuration.
pub struct Field<'a> {
    pub attributes: &'a [Attribute],
    pub name: &'a Ident,
    pub ty: &'a Type,
    /// The key in JSON; without meaning for a flattened field.
    pub key: String,
    pub default: Default,
    pub rules: Vec<Rule>,
}

/// The behaviour if the key of a field is absent.
pub enum Default {
    /// An error.
    None,
    Expr(Expr),
    /// `Option` without `default`.
    Absent,
    /// A flattened field takes the defaults of its own fields.
    Flatten,
}

/// A stage whose output this one reads.
pub struct Read {
    pub path: Path,
    pub optional: bool,
    /// Declared with `#[stage(require(…))]`: read through the context, and decoded before the function starts.
    pub by_option: bool,
}

impl<'a> Body<'a> {
    /// `None` after a mistake, which is then in `errors`. `require` and `optional` are the paths of the options.
    pub fn new(
        kind: Kind,
        function: &'a Function,
        [require, optional]: [&[Path]; 2],
        rename_all: Option<Case>,
        errors: &mut Errors,
    ) -> Option<Self> {
        signature::check(kind, function, errors);
        let mut found = Found {
            kind,
            rename_all,
            errors,
            reads: Vec::new(),
            state: Vec::new(),
            has_context: false,
            has_ticket: false,
        };
        let mut parameters = Vec::new();
        for parameter in &function.signature.inputs {
            match parameter {
                // Reported with the signature.
                FnArg::Receiver(_) => {}
                FnArg::Typed(typed) => parameters.extend(found.classify(typed)),
            }
        }
        for (paths, optional) in [(require, false), (optional, true)] {
            for path in paths {
                found.add(Read { path: path.clone(), optional, by_option: true });
            }
        }
        let Found { reads, has_ticket, .. } = found;
        if kind == Kind::Check && !has_ticket && function.owner().is_none() {
            errors.push(errors::check::no_ticket(&function.signature.ident));
        }
        let returns = returns(kind, function, errors)?;
        if repeats_a_name(&parameters) {
            // rustc reports it at the parameter.
            return None;
        }
        refuse_same_keys(&parameters, errors);
        Some(Self { function, parameters, returns, reads })
    }
}

/// Returns whether two parameters have one name.
fn repeats_a_name(parameters: &[Parameter<'_>]) -> bool {
    let names: Vec<_> = parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Parameter::Input(field) | Parameter::Config(field) => Some(field.name),
            _ => None,
        })
        .collect();
    names.iter().enumerate().any(|(index, name)| names[..index].contains(name))
}

/// Reports two fields of one structure with the same key.
fn refuse_same_keys(parameters: &[Parameter<'_>], errors: &mut Errors) {
    let fields = |is_config: bool| {
        parameters.iter().filter_map(move |parameter| match parameter {
            Parameter::Input(field) if !is_config => Some(field),
            Parameter::Config(field) if is_config && !matches!(field.default, Default::Flatten) => {
                Some(field)
            }
            _ => None,
        })
    };
    for (is_config, of) in [(false, "input"), (true, "configuration")] {
        for (index, second) in fields(is_config).enumerate() {
            if let Some(first) = fields(is_config).take(index).find(|first| first.key == second.key) {
                errors.push(errors::function::same_key(first.name, second.name, &second.key, of));
            }
        }
    }
}

/// The return type, if it is valid.
fn returns<'a>(kind: Kind, function: &'a Function, errors: &mut Errors) -> Option<&'a Type> {
    let ReturnType::Type(_, ty) = &function.signature.output else {
        errors.push(errors::function::no_output(kind, &function.signature.ident));
        return None;
    };
    if let Some(token) = find_impl_trait(ty) {
        errors.push(errors::function::impl_trait(kind, token, "output"));
        return None;
    }
    if let Some(found) = result_argument(ty).and_then(find_unstorable) {
        errors.push(errors::function::unstorable(kind, found, "output"));
        return None;
    }
    if !may_be_result(ty) {
        errors.push(errors::function::no_result(kind, ty));
        return None;
    }
    if kind == Kind::Check
        && let Some(found) = result_argument(ty)
        && !named(found, |name| name.ends_with("Check"))
    {
        // This also refuses an alias with another name, because rustc would report any other type five times.
        errors.push(errors::check::no_check(found));
        return None;
    }
    Some(ty)
}

/// Like [`returns`], if the mistakes are already reported.
pub fn output(kind: Kind, function: &Function) -> Option<&Type> {
    returns(kind, function, &mut Errors::default())
}

/// The parameters that have been classified so far.
struct Found<'e> {
    kind: Kind,
    rename_all: Option<Case>,
    errors: &'e mut Errors,
    reads: Vec<Read>,
    /// The types of the state.
    state: Vec<String>,
    has_context: bool,
    has_ticket: bool,
}

impl Found<'_> {
    fn classify<'a>(&mut self, typed: &'a PatType) -> Option<Parameter<'a>> {
        let kind = self.kind;
        let role = Role::parse(kind, &typed.attrs, self.errors)?;
        let ty = typed.ty.as_ref();
        if let Role::State = role {
            return self.state(ty, typed);
        }
        if let Some(token) = find_impl_trait(ty) {
            return self.refuse(errors::function::impl_trait(kind, token, "parameter"));
        }
        if let Some(lifetime) = find_lifetime(ty) {
            return self.refuse(errors::function::lifetime(kind, lifetime));
        }
        if let Some(elem) = context(ty) {
            return self.context(ty, elem, typed);
        }
        match role {
            Role::Require(path) => {
                let (ty, by_reference) = self.shared(ty)?;
                let read = self.add(Read { path, optional: false, by_option: false });
                Some(Parameter::Read { read, ty, by_reference })
            }
            Role::Optional(path) => {
                let Some(inner) = option_argument(ty) else {
                    return self.refuse(errors::function::optional_type(ty));
                };
                let (ty, by_reference) = self.shared(inner)?;
                let read = self.add(Read { path, optional: true, by_option: false });
                Some(Parameter::Read { read, ty, by_reference })
            }
            // Above.
            Role::State => None,
            Role::Plain if kind == Kind::Check => self.ticket(ty, typed),
            Role::Plain => self.input(typed, Input::default()),
            Role::Input(input) => self.input(typed, input),
            Role::Config(config) => {
                if matches!(ty, Type::Reference(_)) {
                    return self.refuse(errors::function::borrowed_config(kind, ty));
                }
                let default = match config.default {
                    Some(default) => Default::Expr(default),
                    None if config.flatten => Default::Flatten,
                    None if option_argument(ty).is_some() => Default::Absent,
                    None => Default::None,
                };
                self.field(typed, default, config.rename, config.rules).map(Parameter::Config)
            }
        }
    }

    fn input<'a>(&mut self, typed: &'a PatType, Input { rename, rules }: Input) -> Option<Parameter<'a>> {
        if matches!(typed.ty.as_ref(), Type::Reference(_)) {
            return self.refuse(errors::function::borrowed_input(&typed.ty));
        }
        self.field(typed, Default::None, rename, rules).map(Parameter::Input)
    }

    fn refuse<T>(&mut self, error: syn::Error) -> Option<T> {
        self.errors.push(error);
        None
    }

    fn ticket<'a>(&mut self, ty: &'a Type, typed: &PatType) -> Option<Parameter<'a>> {
        if std::mem::replace(&mut self.has_ticket, true) {
            return self.refuse(errors::check::two_tickets(typed));
        }
        match self.shared(ty)? {
            (ticket, true) if named(ticket, |name| name == "str") => {
                self.refuse(errors::check::unsized_ticket(ty, "String"))
            }
            (Type::Slice(_), true) => self.refuse(errors::check::unsized_ticket(ty, "Vec<…>")),
            (ticket, true) => Some(Parameter::Ticket(ticket)),
            (_, false) => self.refuse(errors::check::ticket_by_value(ty)),
        }
    }

    fn state<'a>(&mut self, ty: &'a Type, typed: &PatType) -> Option<Parameter<'a>> {
        let elem = state::value(ty);
        // Other contexts, `&AppContext`, are types of the program.
        if named(elem, |name| name == "StageContext") {
            return self.context(ty, elem, typed);
        }
        if let Some(error) = state::mistake(self.kind, ty) {
            return self.refuse(error);
        }
        if self.repeats_state(elem) {
            return self.refuse(errors::state::repeated(self.kind, ty, elem));
        }
        Some(Parameter::State { ty: elem, by_reference: matches!(ty, Type::Reference(_)) })
    }

    /// Returns whether another parameter takes state of this type, and remembers the type.
    fn repeats_state(&mut self, ty: &Type) -> bool {
        let name = errors::source(ty);
        let repeats = self.state.contains(&name);
        self.state.push(name);
        repeats
    }

    /// The type behind a shared reference, and whether there was one.
    fn shared<'a>(&mut self, ty: &'a Type) -> Option<(&'a Type, bool)> {
        match ty {
            Type::Reference(reference) if reference.mutability.is_some() => {
                self.refuse(errors::function::mutable_reference(self.kind, ty))
            }
            Type::Reference(reference) => Some((&reference.elem, true)),
            _ => Some((ty, false)),
        }
    }

    fn context<'a>(&mut self, ty: &'a Type, elem: &'a Type, typed: &PatType) -> Option<Parameter<'a>> {
        let kind = self.kind;
        let Type::Reference(reference) = ty else {
            return self.refuse(errors::function::context_by_value(kind, ty));
        };
        if let Some(attribute) = typed.attrs.iter().find(|attribute| Role::is_role(attribute)) {
            return self.refuse(errors::function::context_with_role(attribute));
        }
        if reference.mutability.is_some() {
            return self.refuse(errors::function::mutable_reference(kind, ty));
        }
        if std::mem::replace(&mut self.has_context, true) {
            return self.refuse(errors::function::two_contexts(kind, ty));
        }
        Some(Parameter::Context(elem))
    }

    fn field<'a>(
        &mut self,
        typed: &'a PatType,
        default: Default,
        rename: Option<LitStr>,
        rules: Vec<Rule>,
    ) -> Option<Field<'a>> {
        if let Some(found) = find_unstorable(&typed.ty) {
            return self.refuse(errors::function::unstorable(self.kind, found, "parameter"));
        }
        let name = match typed.pat.as_ref() {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => &pattern.ident,
            other => return self.refuse(errors::function::pattern(self.kind, other)),
        };
        if let Default::Expr(expr) = &default
            && let Some(broken) = rules.iter().find_map(|rule| rule.broken_by(expr))
        {
            return self.refuse(errors::rules::default(expr, name, broken));
        }
        let key = rename.map_or_else(
            || self.rename_all.map_or_else(|| plain(name), |case| case.key(&plain(name))),
            |rename| rename.value(),
        );
        Some(Field { attributes: &typed.attrs, name, ty: &typed.ty, key, default, rules })
    }

    fn add(&mut self, read: Read) -> usize {
        if self.reads.iter().any(|other| paths::same(&other.path, &read.path)) {
            let name = read.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            self.errors.push(errors::function::twice(&read.path, &name));
        }
        self.reads.push(read);
        self.reads.len() - 1
    }
}

/// The type behind the reference of a context parameter; `None` for every other parameter.
///
/// Only its name distinguishes a context from a borrowed input; rustc checks the type where the function is called.
fn context(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) if named(&reference.elem, |name| name.ends_with("Context")) => {
            Some(&reference.elem)
        }
        // A context by value is a mistake, but another type can have a name like `DocumentContext`.
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
