//! The generated configuration and outputs of a workflow.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::expand::Names;
use super::valid::Graph;
use crate::casing::plain;

/// The two structures.
pub fn structures(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { library, config, outputs, aliases, conditions, .. } = names;
    let visibility = &graph.workflow.visibility;
    let name = &graph.workflow.name;
    let fields = graph.nodes.iter().zip(aliases).map(|(node, alias)| {
        let field = &node.field;
        let doc = format!(" The configuration of the stage `{}`.", plain(field));
        quote!(#[doc = #doc] #visibility #field: <#alias as #library::Stage>::Config)
    });
    let results = graph.nodes.iter().zip(aliases).map(|(node, alias)| {
        let field = &node.field;
        let doc = format!(" The output of the stage `{}`.", plain(field));
        quote!(#[doc = #doc] #visibility #field: ::core::option::Option<<#alias as #library::Stage>::Output>)
    });
    let config_doc = format!(
        " The configuration of the workflow [`{}`](struct@{name}), a field for each stage; in JSON under its id.",
        plain(name)
    );
    let outputs_doc = format!(
        " The outputs of a run of the workflow [`{}`](struct@{name}), as far as there are any.",
        plain(name)
    );
    // A stage in the middle may be private where the workflow is not: its values are for those who know its types.
    quote! {
        #(#conditions)*
        #[doc = #config_doc]
        #[allow(dead_code, private_interfaces, clippy::struct_field_names)]
        #visibility struct #config { #(#fields),* }

        #(#conditions)*
        #[doc = #outputs_doc]
        #[allow(dead_code, private_interfaces, clippy::struct_field_names)]
        #visibility struct #outputs { #(#results),* }
    }
}

/// What serde and schemars need of the configuration.
pub fn implementations(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, config, outputs, aliases, .. } = names;
    let text = plain(config);
    let outputs_text = plain(outputs);
    let fields: Vec<&Ident> = graph.nodes.iter().map(|node| &node.field).collect();
    let field_texts: Vec<String> = fields.iter().map(|field| plain(field)).collect();
    let stages = Literal::usize_unsuffixed(fields.len());
    quote! {
        impl #private::Record for #config {
            const NAME: &'static str = #text;
            const FIELDS: &'static [&'static str] = &#private::ids::<#stages>(TABLE);
            const FLATTENED: bool = false;
            const STRICT: bool = true;

            fn write<__M: #private::SerializeMap>(&self, map: &mut __M) -> #private::Result<(), __M::Error> {
                #(#private::write_stage::<#aliases, __M>(map, &self.#fields)?;)*
                #private::Ok(())
            }

            fn read<'__de, __A: #private::MapAccess<'__de>>(
                reader: &mut #private::Reader<'__de, __A>,
            ) -> #private::Result<Self, __A::Error> {
                reader.collect()?;
                #private::Ok(Self { #(#fields: reader.stage_config::<#aliases>()?),* })
            }

            fn schema(object: &mut #private::ObjectSchema<'_>) {
                #private::describe(TABLE, object);
            }
        }

        impl #private::Debug for #outputs
        where
            #(for<'__any> #private::OutputOf<#aliases>: #private::Debug,)*
        {
            fn fmt(&self, f: &mut #private::Formatter<'_>) -> #private::FmtResult {
                f.debug_struct(#outputs_text) #(.field(#field_texts, &self.#fields))* .finish()
            }
        }

        impl #private::Default for #config
        where
            #(for<'__any> #private::ConfigOf<#aliases>: #private::Default,)*
        {
            fn default() -> Self {
                Self { #(#fields: #private::Default::default()),* }
            }
        }
    }
}
