//! `#[stage]`: parse the signature (`ast`), its options (`attr`), decide what each parameter is (`valid`), write
//! the items (`expand`), or after a mistake what keeps others from failing too (`fallback`).

mod ast;
mod attr;
mod expand;
mod fallback;
mod record;
mod types;
mod valid;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The expansion of `#[stage(options)] item`.
#[allow(clippy::needless_pass_by_value, reason = "the signature of every entry")]
pub fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = attr::Options::parse(options, &mut errors);
    let function = match syn::parse2::<ast::Function>(item.clone()) {
        Ok(function) => function,
        // Without a signature there is nothing to stand in for; the item itself must not vanish.
        Err(error) => {
            let mut expansion = error.to_compile_error();
            expansion.extend(item);
            return expansion;
        }
    };
    let stage = valid::Stage::new(&function, &options, &mut errors);
    match stage {
        Some(stage) if errors.is_empty() => expand::expand(&stage),
        _ => fallback::expand(&function, &options, &errors),
    }
}
