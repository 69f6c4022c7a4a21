//! `#[stage]`: parse the signature (`ast`) and its options (`attr`), classify the parameters (`valid`), and generate the
//! items (`expand`) or, after a mistake, placeholders that prevent further errors (`fallback`).

pub mod ast;
mod attr;
pub mod expand;
pub mod call;
mod fallback;
mod input;
pub mod recovery;
pub mod record;
mod rule;
mod signature;
mod state;
mod types;
pub mod valid;
mod wait;
mod signal;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::function::Kind;
use crate::ide::Names;

/// The expansion of `#[stage(options)] item`.
#[allow(clippy::needless_pass_by_value, reason = "the signature of every entry")]
pub fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut names = Names::default();
    names.read("stage", options.clone());
    let options = attr::Options::parse(options, &mut errors);
    let function = match ast::Function::read(Kind::Stage, &item) {
        Ok(function) => function,
        Err(_) if recovery::is_refused(&item) => return item,
        // Without a signature there can be no placeholder; the item itself must stay in the expansion.
        Err(error) => {
            let mut expansion = error.to_compile_error();
            expansion.extend(item);
            return expansion;
        }
    };
    let reads: [&[_]; 2] = [&options.require, &options.optional];
    names.read_parameters(&function);
    let krate = options.krate.as_ref();
    match valid::Body::new(Kind::Stage, &function, reads, options.rename_all, &mut errors) {
        Some(body) if errors.is_empty() => expand::expand(&body, &options, names.imports(krate).as_ref()),
        _ => {
            let mut expansion = fallback::expand(&function, &options, errors);
            expansion.extend(names.expand(krate));
            expansion
        }
    }
}
