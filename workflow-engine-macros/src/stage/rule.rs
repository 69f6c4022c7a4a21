//! Rules of a field of an input or a configuration: `range(0..=10)`, `length(1..)`, `pattern = "…"`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Result, Token, Type, UnOp};

use crate::errors;
use crate::options;
use crate::paths::respan;

/// The names of rules, which are options of `#[config]` and `#[input]`.
pub const NAMES: [&str; 3] = ["range", "length", "pattern"];

pub struct Rule {
    pub name: Ident,
    kind: Kind,
}

enum Kind {
    Range(Bounds<Number>),
    Length(Bounds<u64>),
    Pattern(LitStr),
}

struct Bounds<T> {
    min: Option<T>,
    max: Option<T>,
    exclusive: bool,
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f64),
}

impl Rule {
    /// Reads the rule after its name.
    pub fn parse(name: &Ident, input: ParseStream<'_>) -> Result<Self> {
        let kind = if name == "pattern" {
            Kind::Pattern(options::text(name, input, "pattern = \"^[a-z]+$\"")?)
        } else {
            let wrong = if name == "range" {
                errors::rules::malformed_range
            } else {
                errors::rules::malformed_length
            };
            if !input.peek(syn::token::Paren) {
                return Err(wrong(name.span()));
            }
            let content;
            syn::parenthesized!(content in input);
            let tokens: TokenStream = content.parse()?;
            let at = tokens.clone().into_iter().next().map_or(name.span(), |token| token.span());
            let parser = |input: ParseStream<'_>| Ok(bounds(input));
            let bounds = parser.parse2(tokens.clone()).ok().flatten().ok_or_else(|| wrong(at))?;
            if bounds.is_empty() {
                return Err(errors::rules::empty(name, tokens));
            }
            if name == "range" {
                Kind::Range(bounds)
            } else {
                let exclusive = bounds.exclusive;
                let [min, max] = [bounds.min, bounds.max].map(|bound| bound.map(Number::length).transpose());
                // `length(..64)` is `length(..=63)`: JSON Schema has no exclusive lengths.
                let max = match max.map_err(|()| wrong(at))? {
                    Some(0) if exclusive => return Err(errors::rules::empty(name, tokens)),
                    max => max.map(|max| max - u64::from(exclusive)),
                };
                Kind::Length(Bounds { min: min.map_err(|()| wrong(at))?, max, exclusive: false })
            }
        };
        Ok(Self { name: name.clone(), kind })
    }

    /// The requirement that a literal default breaks, as a clause.
    pub fn broken_by(&self, default: &Expr) -> Option<String> {
        match &self.kind {
            Kind::Range(bounds) => {
                let value = number(default)?.as_f64();
                let below = bounds.min.filter(|min| value < min.as_f64());
                let above = bounds.max.filter(|max| {
                    let max = max.as_f64();
                    if bounds.exclusive { value >= max } else { value > max }
                });
                let most = if bounds.exclusive { "less than" } else { "at most" };
                let below = below.map(|min| format!("be at least {}", min.written()));
                below.or_else(|| above.map(|max| format!("be {most} {}", max.written())))
            }
            Kind::Length(bounds) => {
                let length = text(default)?.chars().count() as u64;
                let below = bounds.min.filter(|min| length < *min).map(|min| (min, "at least"));
                let (bound, at) =
                    below.or_else(|| bounds.max.filter(|max| length > *max).map(|max| (max, "at most")))?;
                let plural = if bound == 1 { "" } else { "s" };
                Some(format!("have {at} {bound} character{plural}"))
            }
            Kind::Pattern(_) => None,
        }
    }

    /// The rule as a constant.
    pub fn expand(&self, ty: &Type, private: &TokenStream) -> TokenStream {
        match &self.kind {
            Kind::Range(Bounds { min, max, exclusive }) => {
                let [min, max] = [min, max].map(|bound| optional(bound.map(|bound| bound.expand(private))));
                quote!(#private::Rule::Range { min: #min, max: #max, exclusive: #exclusive })
            }
            Kind::Length(Bounds { min, max, .. }) => {
                let [min, max] = [min, max].map(|bound| optional(bound.map(|bound| quote!(#bound))));
                let unit = respan(quote!(<#ty as #private::HasLength>::UNIT), ty.span());
                quote!(#private::Rule::Length { unit: #unit, min: #min, max: #max })
            }
            Kind::Pattern(pattern) => quote!(#private::Rule::Pattern(#pattern)),
        }
    }

    /// The check that the rule is for this type, if the constant does not check it.
    pub fn check(&self, ty: &Type, private: &TokenStream) -> Option<TokenStream> {
        let check = match &self.kind {
            Kind::Range(_) => quote!(const _: bool = <#ty as #private::HasRange>::IS_NUMBER;),
            Kind::Pattern(_) => quote!(const _: bool = <#ty as #private::HasPattern>::IS_TEXT;),
            Kind::Length(_) => return None,
        };
        Some(respan(check, ty.span()))
    }
}

fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// `min..=max`, `min..max`, `min..`, `..=max` or `..max`.
fn bounds(input: ParseStream<'_>) -> Option<Bounds<Number>> {
    let min = if input.peek(Token![..]) { None } else { Some(bound(input)?) };
    let exclusive = !input.peek(Token![..=]);
    if exclusive {
        input.parse::<Token![..]>().ok()?;
    } else {
        input.parse::<Token![..=]>().ok()?;
    }
    let max = if input.is_empty() { None } else { Some(bound(input)?) };
    let whole = input.is_empty() && (min.is_some() || max.is_some()) && (exclusive || max.is_some());
    whole.then_some(Bounds { min, max, exclusive })
}

fn bound(input: ParseStream<'_>) -> Option<Number> {
    let negative = input.parse::<Option<Token![-]>>().ok()?.is_some();
    Number::new(&input.parse().ok()?, negative)
}

impl Bounds<Number> {
    fn is_empty(&self) -> bool {
        let (Some(min), Some(max)) = (self.min, self.max) else { return false };
        if self.exclusive { min.as_f64() >= max.as_f64() } else { min.as_f64() > max.as_f64() }
    }
}

impl Number {
    fn new(literal: &Lit, negative: bool) -> Option<Self> {
        match literal {
            Lit::Int(literal) => {
                let number: i128 = literal.base10_parse().ok()?;
                i64::try_from(if negative { -number } else { number }).ok().map(Self::Int)
            }
            Lit::Float(literal) => {
                let number: f64 = literal.base10_parse().ok()?;
                Some(Self::Float(if negative { -number } else { number }))
            }
            _ => None,
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "a rounding error is found when the workflow is registered"
    )]
    fn as_f64(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    fn length(self) -> std::result::Result<u64, ()> {
        match self {
            Self::Int(number) => u64::try_from(number).map_err(drop),
            Self::Float(_) => Err(()),
        }
    }

    fn written(self) -> String {
        match self {
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }

    fn expand(self, private: &TokenStream) -> TokenStream {
        match self {
            Self::Int(number) => quote!(#private::Bound::Int(#number)),
            Self::Float(number) => quote!(#private::Bound::Float(#number)),
        }
    }
}

/// The value of an expression that is a number literal.
fn number(expr: &Expr) -> Option<Number> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Number::new(lit, false),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match unary.expr.as_ref() {
            Expr::Lit(ExprLit { lit, .. }) => Number::new(lit, true),
            _ => None,
        },
        _ => None,
    }
}

/// The value of an expression that is a string literal, also if it is converted to a `String`.
fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::MethodCall(call)
            if ["to_owned", "to_string", "into"].iter().any(|name| call.method == name) =>
        {
            text(&call.receiver)
        }
        _ => None,
    }
}
