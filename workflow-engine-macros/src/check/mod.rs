//! `#[check]`: it uses the steps of `#[stage]`, with a ticket in place of the input.

mod expand;
mod fallback;

use proc_macro2::TokenStream;
use syn::Path;
use syn::parse::{ParseStream, Parser};

use crate::errors::Errors;
use crate::function::Kind;
use crate::ide::Names;
use crate::options;
use crate::stage::{ast, recovery, valid};

/// The expansion of `#[check(options)] item`.
#[allow(clippy::needless_pass_by_value, reason = "the signature of every entry")]
pub fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut names = Names::default();
    names.read("check", options.clone());
    let krate = crate_path(options, &mut errors);
    let function = match ast::Function::read(Kind::Check, &item) {
        Ok(function) => function,
        Err(_) if recovery::is_refused(&item) => return item,
        // Without a signature there can be no placeholder; the item itself must stay in the expansion.
        Err(error) => {
            let mut expansion = error.to_compile_error();
            expansion.extend(item);
            return expansion;
        }
    };
    names.read_parameters(&function);
    let krate = krate.as_ref();
    match valid::Body::new(Kind::Check, &function, [&[], &[]], &mut errors) {
        Some(body) if errors.is_empty() => expand::expand(&body, krate, names.imports(krate).as_ref()),
        _ => {
            let mut expansion = fallback::expand(&function, krate, errors);
            expansion.extend(names.expand(krate));
            expansion
        }
    }
}

/// The option `crate`.
fn crate_path(tokens: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    let parser = |input: ParseStream<'_>| {
        options::parse(input, &options::CHECK, errors, |name, input, _| {
            krate = Some(options::crate_path(name, input)?);
            Ok(())
        });
        Ok(())
    };
    // The parser above collects its mistakes in `errors`.
    let _ = parser.parse2(tokens);
    krate
}
