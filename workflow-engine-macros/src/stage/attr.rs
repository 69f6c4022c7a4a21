//! The options of `#[stage(…)]` and the attributes of its parameters.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, LitStr, Meta, Path, Result, Token, Type};

use super::input::{self, Input};
use super::rule::{self, Rule};
use crate::casing::Case;
use crate::errors::{self, Errors};
use crate::function::Kind;
use crate::options::{self, Configured};

/// The options of `#[stage(…)]`.
#[derive(Default)]
pub struct Options {
    pub id: Option<LitStr>,
    pub name: Option<LitStr>,
    pub version: Option<u32>,
    pub retry: Option<Retry>,
    /// Milliseconds.
    pub timeout: Option<u64>,
    pub rename_all: Option<Case>,
    /// Picodollars, 10⁻¹² USD.
    pub budget: Option<i64>,
    /// Whether the stage waits for a higher budget.
    pub waits_over_budget: bool,
    pub require: Vec<Path>,
    pub optional: Vec<Path>,
    /// The path of the `#[check]` function of a stage that waits.
    pub check: Option<Path>,
    /// The payload of the signal of a stage that waits for one, with the option's name.
    pub signal: Option<Named<Type>>,
    pub poll_every: Option<Named<u64>>,
    pub give_up_after: Option<Named<u64>>,
    /// Options whose value is a field of the configuration.
    pub configured: Vec<Configured>,
    pub krate: Option<Path>,
}

/// An option's value, with its name as it is written. Durations are in milliseconds.
pub struct Named<T> {
    pub name: Ident,
    pub value: T,
}

/// The options of `retry(…)`; durations in milliseconds.
#[derive(Default)]
pub struct Retry {
    pub max_attempts: Option<u32>,
    pub max_crashes: Option<u32>,
    pub fixed: Option<bool>,
    pub initial: Option<u64>,
    pub max: Option<u64>,
    pub jitter: bool,
    /// Whether `max_attempts` is a field of the configuration.
    pub has_configured_attempts: bool,
}

impl Options {
    pub fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut found = Self::default();
        let (mut checks, mut signals) = (false, false);
        let parser = |input: ParseStream<'_>| {
            options::parse(input, &options::STAGE, errors, |name, input, errors| {
                checks |= name == "check";
                signals |= name == "signal";
                found.read(name, input, errors)
            });
            Ok(())
        };
        // The parser above collects its mistakes in `errors`.
        let _ = parser.parse2(tokens);
        if let (Some(_), Some(signal)) = (&found.check, &found.signal) {
            errors.push(errors::check::signal_with_check(&signal.name));
        }
        for name in found.named("poll_every").filter(|_| signals && !checks) {
            errors.push(errors::check::poll_of_a_signal(name));
        }
        if !checks && !signals {
            for (word, example) in [("poll_every", "1h"), ("give_up_after", "1d")] {
                for name in found.named(word) {
                    errors.push(errors::check::wait_without_check(name, &format!("{word} = \"{example}\"")));
                }
            }
        }
        found
    }

    /// Returns the name of an option about waiting, wherever it is written.
    fn named<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a Ident> {
        let written = if word == "poll_every" { &self.poll_every } else { &self.give_up_after };
        let configured = self.configured.iter().map(|configured| &configured.option);
        written.iter().map(|named| &named.name).chain(configured.filter(move |name| *name == word))
    }

    fn read(&mut self, name: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Result<()> {
        match name.to_string().as_str() {
            "id" => self.id = Some(options::id(name, input)?),
            "name" => self.name = Some(options::text(name, input, "name = \"Extract Text\"")?),
            "version" => self.version = Some(options::count(name, input)?),
            "timeout" | "poll_every" | "give_up_after" if options::is_configured(input) => {
                self.configured.push(options::configured(name, input)?);
            }
            "timeout" => self.timeout = Some(options::duration(name, input)?),
            "rename_all" => self.rename_all = Some(options::rename_all(name, input)?),
            "budget" => self.budget = Some(options::amount(name, input)?),
            "over_budget" => self.waits_over_budget = options::second_word(name, input, ["fail", "wait"])?,
            "check" => self.check = Some(options::path(name, input, "check = batch_done")?),
            "signal" => self.signal = Some(Named { name: name.clone(), value: options::ty(name, input)? }),
            "poll_every" => self.poll_every = Some(named_duration(name, input)?),
            "give_up_after" => self.give_up_after = Some(named_duration(name, input)?),
            "retry" => self.retry = Some(retry(name, input, &mut self.configured, errors)?),
            "require" => self.require = stage_paths(name, input)?,
            "optional" => self.optional = stage_paths(name, input)?,
            _ => self.krate = Some(options::crate_path(name, input)?),
        }
        Ok(())
    }
}

fn named_duration(name: &Ident, input: ParseStream<'_>) -> Result<Named<u64>> {
    Ok(Named { name: name.clone(), value: options::duration(name, input)? })
}

/// `retry(…)`.
fn retry(
    name: &Ident,
    input: ParseStream<'_>,
    configured: &mut Vec<Configured>,
    errors: &mut Errors,
) -> Result<Retry> {
    let content = parenthesized(name, input, "retry(max_attempts = 5, initial = \"2s\")")?;
    let mut retry = Retry::default();
    let mut max_name = None;
    options::parse(&content, &options::RETRY, errors, |name, input, _| {
        match name.to_string().as_str() {
            "max_attempts" | "initial" | "max" if options::is_configured(input) => {
                retry.has_configured_attempts |= name == "max_attempts";
                configured.push(options::configured(name, input)?);
            }
            "max_attempts" => retry.max_attempts = Some(options::count(name, input)?),
            "max_crashes" => retry.max_crashes = Some(options::count(name, input)?),
            "initial" => retry.initial = Some(options::duration(name, input)?),
            "max" => {
                retry.max = Some(options::duration(name, input)?);
                max_name = Some(name.clone());
            }
            "backoff" => {
                options::equals(name, input, "backoff = exponential")?;
                let wrong = errors::options::value(input.span(), name, "backoff = exponential");
                let backoff: Ident = input.parse().map_err(|_| wrong)?;
                retry.fixed = match backoff.to_string().as_str() {
                    "fixed" => Some(true),
                    "exponential" => Some(false),
                    _ => return Err(errors::options::backoff(&backoff)),
                };
            }
            _ => retry.jitter = true,
        }
        Ok(())
    });
    if let (Some(name), Some(initial), Some(max)) = (max_name, retry.initial, retry.max)
        && max < initial
    {
        errors.push(errors::options::max_below_initial(&name));
    }
    Ok(retry)
}

/// `require(a, b::c)`.
fn stage_paths(name: &Ident, input: ParseStream<'_>) -> Result<Vec<Path>> {
    let content = parenthesized(name, input, &format!("{name}(extract_text)"))?;
    let paths = Punctuated::<Path, Token![,]>::parse_terminated_with(&content, Path::parse_mod_style)?;
    Ok(paths.into_iter().collect())
}

fn parenthesized<'a>(
    name: &Ident,
    input: ParseStream<'a>,
    example: &str,
) -> Result<syn::parse::ParseBuffer<'a>> {
    let wrong = errors::options::value(name.span(), name, example);
    if !input.peek(syn::token::Paren) {
        return Err(wrong);
    }
    let content;
    syn::parenthesized!(content in input);
    Ok(content)
}

/// The role of a parameter, by its attributes.
pub enum Role {
    /// No attribute of the macro.
    Plain,
    /// A plain parameter with `#[input(…)]`.
    Input(Input),
    Config(Config),
    Require(Path),
    Optional(Path),
    /// A value that the program gives to its stages.
    State,
}

/// The options of `#[config(…)]`.
#[derive(Default)]
pub struct Config {
    pub default: Option<Expr>,
    pub flatten: bool,
    pub rename: Option<LitStr>,
    pub rules: Vec<Rule>,
}

impl Role {
    /// Whether the attribute gives a parameter a role.
    pub fn is_role(attribute: &Attribute) -> bool {
        ["input", "config", "require", "optional", "state"].iter().any(|name| attribute.path().is_ident(name))
    }

    /// Reads the attributes of one parameter. `None` after a mistake.
    pub fn parse(kind: Kind, attributes: &[Attribute], errors: &mut Errors) -> Option<Self> {
        let mut role = Self::Plain;
        let mut sound = true;
        for attribute in attributes {
            let path = attribute.path();
            if path.is_ident("cfg") || path.is_ident("cfg_attr") {
                errors.push(errors::function::cfg(kind, attribute));
                sound = false;
                continue;
            }
            let Some(found) = Self::of(kind, attribute, errors) else { continue };
            if !matches!(role, Self::Plain) {
                errors.push(errors::function::two_roles(attribute));
                sound = false;
                continue;
            }
            match errors.take(found) {
                Some(found) => role = found,
                None => sound = false,
            }
        }
        sound.then_some(role)
    }

    /// The role of this attribute, if it is an attribute of the macro.
    fn of(kind: Kind, attribute: &Attribute, errors: &mut Errors) -> Option<Result<Self>> {
        let name = attribute.path().get_ident()?;
        if name == "input" && kind == Kind::Check {
            // The parameter is still the ticket.
            errors.push(errors::function::input_of_a_check(attribute));
            None
        } else if name == "input" {
            Some(input::input(attribute, errors).map(Self::Input))
        } else if name == "config" {
            Some(config(attribute, errors).map(Self::Config))
        } else if name == "require" {
            Some(stage_path(attribute, "require").map(Self::Require))
        } else if name == "optional" {
            Some(stage_path(attribute, "optional").map(Self::Optional))
        } else if name == "state" {
            Some(match &attribute.meta {
                Meta::Path(_) => Ok(Self::State),
                _ => Err(errors::state::options(attribute)),
            })
        } else if rule::NAMES.iter().any(|rule| name == rule) {
            Some(Err(errors::rules::attribute(attribute, name)))
        } else {
            None
        }
    }
}

fn config(attribute: &Attribute, errors: &mut Errors) -> Result<Config> {
    let mut config = Config::default();
    let Meta::List(list) = &attribute.meta else {
        return match &attribute.meta {
            Meta::Path(_) => Ok(config),
            _ => Err(errors::options::value(
                syn::spanned::Spanned::span(&attribute.meta),
                "config",
                "#[config(default = …)]",
            )),
        };
    };
    let (mut flatten, mut rename) = (None, None);
    list.parse_args_with(|input: ParseStream<'_>| {
        options::parse(input, &options::CONFIG, errors, |name, input, _| {
            if name == "default" {
                options::equals(name, input, "default = 50_000")?;
                if input.is_empty() || input.peek(Token![,]) {
                    return Err(errors::options::value(name.span(), name, "default = 50_000"));
                }
                config.default = Some(input.parse()?);
            } else if name == "flatten" {
                flatten = Some(name.clone());
            } else if name == "rename" {
                config.rename = Some(options::rename(name, input)?);
                rename = Some(name.clone());
            } else {
                config.rules.push(Rule::parse(name, input)?);
            }
            Ok(())
        });
        Ok(())
    })?;
    config.flatten = flatten.is_some();
    match (&config.default, config.rules.first()) {
        (Some(default), _) if config.flatten => Err(errors::function::flatten_default(default)),
        (None, Some(rule)) if config.flatten => Err(errors::rules::flattened(&rule.name)),
        _ => match rename {
            Some(rename) if config.flatten => Err(errors::function::flatten_rename(&rename)),
            _ => Ok(config),
        },
    }
}

fn stage_path(attribute: &Attribute, name: &str) -> Result<Path> {
    let wrong = |span| errors::function::expected_path(span, name);
    let Meta::List(list) = &attribute.meta else {
        return Err(wrong(syn::spanned::Spanned::span(&attribute.meta)));
    };
    let path = list
        .parse_args_with(Path::parse_mod_style)
        .map_err(|_| wrong(syn::spanned::Spanned::span(&attribute.meta)))?;
    Ok(path)
}

/// The limit of `RetryPolicy::DEFAULT`, in milliseconds.
const DEFAULT_MAX_MS: u64 = 300_000;

impl Retry {
    /// The policy as a constant expression.
    pub fn expand(&self, private: &TokenStream) -> TokenStream {
        let mut fields = TokenStream::new();
        if let Some(attempts) = self.max_attempts {
            fields.extend(quote!(max_attempts: #attempts,));
        }
        if self.has_configured_attempts {
            fields.extend(quote!(max_attempts: #private::RetryPolicy::CONFIGURED_ATTEMPTS,));
        }
        if let Some(crashes) = self.max_crashes {
            fields.extend(quote!(max_crashes: #crashes,));
        }
        if let Some(fixed) = self.fixed {
            let backoff = if fixed { quote!(Fixed) } else { quote!(Exponential) };
            fields.extend(quote!(backoff: #private::Backoff::#backoff,));
        }
        if let Some(initial) = self.initial {
            fields.extend(quote!(initial: ::core::time::Duration::from_millis(#initial),));
        }
        // An `initial` above the default `max` raises `max`.
        let max = self.max.or(self.initial.filter(|initial| *initial > DEFAULT_MAX_MS));
        if let Some(max) = max {
            fields.extend(quote!(max: ::core::time::Duration::from_millis(#max),));
        }
        if self.jitter {
            fields.extend(quote!(jitter: true,));
        }
        quote!(#private::RetryPolicy { #fields ..#private::RetryPolicy::DEFAULT }).to_token_stream()
    }
}
