//! Generates what a workflow says about time: the delays before its stages, and its deadline.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::expand::Names;
use super::valid::Graph;

/// The value of the table's field.
pub fn expand(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let deadline = graph.workflow.options.deadline;
    let delays = graph.nodes.iter().enumerate().filter(|(_, node)| node.delay > 0);
    let delays: Vec<TokenStream> = delays
        .map(|(index, node)| {
            let [index, delay] = [index as u64, node.delay].map(Literal::u64_unsuffixed);
            quote!((#index, #delay))
        })
        .collect();
    if delays.is_empty() && deadline.is_none() {
        return quote!(#private::Timing::NONE);
    }
    let deadline = Literal::u64_unsuffixed(deadline.unwrap_or(0));
    quote!(#private::Timing { delays: &[#(#delays),*], deadline: #deadline })
}
