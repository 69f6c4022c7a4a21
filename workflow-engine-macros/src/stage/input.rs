//! The options of `#[input(…)]`.

use syn::parse::ParseStream;
use syn::{Attribute, LitStr, Meta, Result};

use super::rule::Rule;
use crate::errors::{self, Errors};
use crate::options;

/// The options of a plain parameter.
#[derive(Default)]
pub struct Input {
    pub rename: Option<LitStr>,
    pub rules: Vec<Rule>,
}

/// `#[input(range(1..=100))]`.
pub fn input(attribute: &Attribute, errors: &mut Errors) -> Result<Input> {
    let mut found = Input::default();
    let list = match &attribute.meta {
        Meta::List(list) => list,
        Meta::Path(_) => return Ok(found),
        Meta::NameValue(_) => {
            let at = syn::spanned::Spanned::span(&attribute.meta);
            return Err(errors::options::value(at, "input", "#[input(range(1..=100))]"));
        }
    };
    list.parse_args_with(|input: ParseStream<'_>| {
        options::parse(input, &options::INPUT, errors, |name, input, _| {
            if name == "rename" {
                found.rename = Some(options::rename(name, input)?);
            } else {
                found.rules.push(Rule::parse(name, input)?);
            }
            Ok(())
        });
        Ok(())
    })?;
    Ok(found)
}
