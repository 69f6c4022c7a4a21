//! The generated configuration and outputs of a workflow.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::expand::Names;
use super::valid::Graph;
use crate::casing::plain;

/// The two structures, and the scope that contains `rest`.
pub fn expand(graph: &Graph<'_>, names: &Names<'_>, rest: &TokenStream) -> TokenStream {
    let Names { library, config, outputs, aliases, conditions, .. } = names;
    let visibility = &graph.workflow.visibility;
    let name = &graph.workflow.name;
    let config_doc = format!(
        " The configuration of the workflow [`{}`](struct@{name}), with a field for each stage, in JSON under the stage's id.",
        plain(name)
    );
    let outputs_doc = format!(
        " The outputs of a run of the workflow [`{}`](struct@{name}), `None` for a stage without an output.",
        plain(name)
    );
    let [config_text, outputs_text] = [config, outputs].map(plain);
    let stages = Literal::usize_unsuffixed(graph.nodes.len());
    let fields = graph.nodes.iter().zip(aliases).map(|(node, alias)| {
        let field = &node.field;
        let text = plain(field);
        let config_doc = format!(" The configuration of the stage `{text}`.");
        let output_doc = format!(" The output of the stage `{text}`.");
        quote!(#alias #field #text #config_doc #output_doc)
    });
    quote! {
        #library::__private::workflow! {
            [#(#conditions)*] #visibility, #stages
            #config = #config_text #config_doc
            #outputs = #outputs_text #outputs_doc
            { #(#fields)* }
            { #rest }
        }
    }
}
