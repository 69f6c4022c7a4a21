//! `#[check]`: it uses the steps of `#[stage]`, with a ticket in place of the input.

mod expand;
mod fallback;

use proc_macro2::TokenStream;
use syn::Path;
use syn::parse::{ParseStream, Parser};

use crate::casing::Case;
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
    let (krate, rename_all) = read_options(options, &mut errors);
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
    match valid::Body::new(Kind::Check, &function, [&[], &[]], rename_all, &mut errors) {
        Some(body) if errors.is_empty() => expand::expand(&body, krate, names.imports(krate).as_ref()),
        _ => {
            let mut expansion = fallback::expand(&function, krate, errors);
            expansion.extend(names.expand(krate));
            expansion
        }
    }
}

/// The options `crate` and `rename_all`.
fn read_options(tokens: TokenStream, errors: &mut Errors) -> (Option<Path>, Option<Case>) {
    let (mut krate, mut rename_all) = (None, None);
    let parser = |input: ParseStream<'_>| {
        options::parse(input, &options::CHECK, errors, |name, input, _| {
            if name == "rename_all" {
                rename_all = Some(options::rename_all(name, input)?);
            } else {
                krate = Some(options::crate_path(name, input)?);
            }
            Ok(())
        });
        Ok(())
    };
    // The parser above collects its mistakes in `errors`.
    let _ = parser.parse2(tokens);
    (krate, rename_all)
}
