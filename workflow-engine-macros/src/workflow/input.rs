//! The input of a workflow: its type, its alias, and what it is for a step of another workflow.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Type;

use super::ast::Workflow;
use super::expand::Names;
use super::valid::{Graph, Node, Shape};
use crate::casing::{pascal, plain};
use crate::paths::at;

/// The alias of the workflow's input, unless a type with that name exists: the type that the user has written as the input,
/// or the generated input of the first stage.
pub fn alias(graph: &Graph<'_>, names: &Names<'_>) -> Option<TokenStream> {
    let Names { library, conditions, aliases, .. } = names;
    let Workflow { name, visibility, input, .. } = graph.workflow;
    let own = format_ident!("{}Input", pascal(&plain(name)), span = name.span());
    let exists = match input {
        Some(Type::Path(ty)) => ty.path.get_ident().is_some_and(|ty| *ty == own),
        Some(_) => false,
        None => graph
            .nodes
            .first()
            .and_then(|first| first.path.get_ident())
            .is_some_and(|first| pascal(&plain(first)) == pascal(&plain(name))),
    };
    if exists {
        return None;
    }
    let doc = format!(" The input of the workflow [`{}`](struct@{name}).", plain(name));
    let ty = match (graph.nodes.first(), aliases.first()) {
        // Not through the workflow, which can be more private than the stage.
        (Some(Node { received: Shape::Start, .. }), Some(alias)) if input.is_none() => {
            quote!(<#alias as #library::Stage>::Input)
        }
        // Not through the type itself, because a mistake in it would be reported twice.
        _ => quote!(<#name as #library::Workflow>::Input),
    };
    Some(quote! {
        #(#conditions)*
        #[doc = #doc]
        #[allow(dead_code, unused_qualifications)]
        #visibility type #own = #ty;
    })
}

/// The type of the workflow's input.
pub fn input(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, aliases, .. } = names;
    match (&graph.workflow.input, graph.nodes.first(), aliases.first()) {
        (Some(ty), ..) => quote!(#ty),
        (None, Some(node), Some(alias)) if matches!(node.received, Shape::Start) => {
            let private = at(private, node.span());
            quote_spanned!(node.span()=> <#alias as #private::Stage>::Input)
        }
        _ => quote!(#private::NoInput),
    }
}

/// The type of the input of a step that is this workflow. It is not named again, because rustc would report a mistake in it
/// twice.
pub fn of_step(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    if graph.workflow.input.is_some() { quote!(#private::Whole<Self::Input>) } else { quote!(Self::Input) }
}
