//! The additional items of a stage that waits for a signal.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::attr::Options;
use super::wait::give_up_after;
use crate::paths::respan;

/// The output: the payload of the signal. The item has the span of the type, where rustc reports one that cannot be stored.
pub fn output(payload: &Type) -> TokenStream {
    let alias = respan(quote!(type Output =), payload.span());
    let end = respan(quote!(;), payload.span());
    quote!(#alias #payload #end)
}

/// The call that adds the wait to the stage's declaration.
pub fn declaration(options: &Options, private: &TokenStream) -> TokenStream {
    let give_up_after = give_up_after(options);
    quote!(.waits(#private::signal_definition::<Self>() #give_up_after, &[], &[]))
}

/// Stores the question.
pub fn store(question: &Ident, private: &TokenStream) -> TokenStream {
    quote!(#private::store_question::<Self>(#question))
}

/// The implementation that lets a run send the stage a signal. `question` is what the function returns.
pub fn implementation(stage: &Ident, question: &TokenStream, private: &TokenStream) -> TokenStream {
    let head = quote_spanned!(stage.span()=> impl #private::SignalStage for #stage);
    quote!(#head { type Question = #question; })
}
