//! The generated configuration and outputs of a workflow.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

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
    let Names { library, private, config, outputs, aliases, .. } = names;
    let text = plain(config);
    let outputs_text = plain(outputs);
    let fields: Vec<&Ident> = graph.nodes.iter().map(|node| &node.field).collect();
    let field_texts: Vec<String> = fields.iter().map(|field| plain(field)).collect();
    let slots: Vec<Ident> =
        (0..fields.len()).map(|index| format_ident!("slot_{index}", span = Span::mixed_site())).collect();
    let indices = 0..fields.len();
    quote! {
        impl #private::Record for #config {
            const NAME: &'static str = #text;
            const FIELDS: &'static [&'static str] = &[#(<#aliases as #library::Stage>::DECLARATION.id),*];
            const FLATTENED: bool = false;
            const STRICT: bool = true;

            fn write<__M>(&self, map: &mut __M) -> ::core::result::Result<(), __M::Error>
            where
                __M: #private::serde::ser::SerializeMap,
            {
                #(#private::write_stage::<#aliases, __M>(map, &self.#fields)?;)*
                ::core::result::Result::Ok(())
            }

            fn read<'__de, __A>(
                reader: &mut #private::Reader<'__de, __A>,
            ) -> ::core::result::Result<Self, __A::Error>
            where
                __A: #private::serde::de::MapAccess<'__de>,
            {
                #(let mut #slots = ::core::option::Option::None;)*
                while let ::core::option::Option::Some(index) = reader.next_field()? {
                    match index {
                        #(#indices => reader.stage_value::<#aliases>(&mut #slots)?,)*
                        _ => {}
                    }
                }
                ::core::result::Result::Ok(Self {
                    #(#fields: reader.stage_config::<#aliases>(#slots)?),*
                })
            }

            fn schema(object: &mut #private::ObjectSchema<'_>) {
                #(object.stage::<#aliases>();)*
            }
        }

        impl ::core::fmt::Debug for #outputs
        where
            #(for<'__any> <#aliases as #library::Stage>::Output: ::core::fmt::Debug,)*
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#outputs_text)
                    #(.field(#field_texts, &self.#fields))*
                    .finish()
            }
        }

        impl ::core::default::Default for #config
        where
            #(for<'__any> <#aliases as #library::Stage>::Config: ::core::default::Default,)*
        {
            fn default() -> Self {
                Self { #(#fields: ::core::default::Default::default()),* }
            }
        }
    }
}
