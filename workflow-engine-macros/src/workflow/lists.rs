//! Generates the checks of groups whose outputs are a list.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};

use super::expand::Names;
use super::valid::Graph;
use crate::paths::at;

/// Checks of groups whose outputs are a list, for the stages after them and for the end of the workflow: one constant for
/// each branch after the first.
pub fn checks(graph: &Graph<'_>, names: &Names<'_>) -> Vec<TokenStream> {
    let Names { private, aliases, .. } = names;
    let receivers = graph.nodes.iter().zip(aliases).map(|(node, alias)| (&node.received, Some(alias)));
    let receivers =
        receivers.chain([(&graph.output, None)]).filter(|(received, _)| !received.has_hole(graph));
    let checks = receivers.flat_map(|(received, receiver)| {
        received.lists().into_iter().flat_map(move |list| {
            let first = &aliases[list[0]];
            list.into_iter().skip(1).map(move |index| {
                let span = aliases[index].span();
                let [branch, first] = [&aliases[index], first].map(|alias| at(alias, span));
                let private = at(private, span);
                let receiver = receiver.map_or_else(
                    || quote_spanned!(span=> #private::End),
                    |alias| at(alias, span).into_token_stream(),
                );
                quote_spanned! {span=>
                    const _: () = <#receiver as #private::ListItem<
                        #branch, #private::OutputOf<#branch>, #private::OutputOf<#first>
                    >>::FITS;
                }
            })
        })
    });
    checks.collect()
}
