//! The generated input and configuration: a plain structure, and what serde and schemars need of it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::Visibility;

use super::valid::{Default, Field};
use crate::casing::plain;
use crate::docs;
use crate::record::delegations;

/// One generated structure.
pub struct Record<'a> {
    pub name: &'a Ident,
    /// The line of documentation.
    pub doc: String,
    pub visibility: &'a Visibility,
    pub fields: &'a [&'a Field<'a>],
    /// Whether an unknown key is an error.
    pub strict: bool,
    /// `::workflow_engine::__private`.
    pub private: &'a TokenStream,
}

impl Record<'_> {
    /// The structure itself.
    pub fn structure(&self) -> TokenStream {
        let Self { name, doc, visibility, .. } = self;
        let fields = self.fields.iter().map(|field| {
            let Field { name, ty, attributes, .. } = field;
            let documented = docs::attributes(attributes).collect::<Vec<_>>();
            let fallback = documented.is_empty().then(|| {
                let text = format!(" The parameter `{name}`.");
                quote!(#[doc = #text])
            });
            quote!(#(#documented)* #fallback #visibility #name: #ty)
        });
        quote! {
            #[doc = #doc]
            #visibility struct #name { #(#fields),* }
        }
    }

    /// What stands in the anonymous constant.
    pub fn implementations(&self) -> TokenStream {
        let fields = self.fields();
        let record = self.record();
        let delegations = delegations(self.name, self.private);
        let standard = self.standard();
        quote!(#fields #record #delegations #standard)
    }

    /// The fields with a key first: a flattened one has an index after them.
    fn indexed(&self) -> Vec<(usize, &Field<'_>)> {
        let (flat, keyed): (Vec<&&Field<'_>>, Vec<_>) =
            self.fields.iter().partition(|field| matches!(field.default, Default::Flatten));
        keyed.into_iter().chain(flat).copied().enumerate().collect()
    }

    /// Each type once, under the span of what the user wrote, and each default once.
    fn fields(&self) -> TokenStream {
        let Self { name, private, .. } = self;
        self.indexed()
            .into_iter()
            .map(|(index, field)| {
                let ty = field.ty;
                let default = default(index, field);
                let checks = field.rules.iter().filter_map(|rule| rule.check(ty, private));
                quote! {
                    impl #private::Field<#index> for #name { type Type = #ty; }
                    #default
                    #(#checks)*
                }
            })
            .collect()
    }

    fn record(&self) -> TokenStream {
        let Self { name, private, strict, .. } = self;
        let text = plain(name);
        let fields = self.indexed();
        let keys = fields.iter().filter(|(_, field)| !is_flat(field)).map(|(_, field)| plain(field.name));
        let flattened = fields.iter().any(|(_, field)| is_flat(field));

        let write = fields.iter().map(|(index, Field { name, .. })| {
            quote!(#private::write_field::<Self, #index, __M>(map, &self.#name)?;)
        });
        let write = write.zip(&fields).map(|(plain, (index, field))| {
            let name = field.name;
            if is_flat(field) {
                quote!(#private::write_flat::<Self, #index, __M>(map, &self.#name)?;)
            } else {
                plain
            }
        });

        let keyed: Vec<usize> =
            fields.iter().filter(|(_, field)| !is_flat(field)).map(|(index, _)| *index).collect();
        let slots: Vec<Ident> = keyed.iter().map(|index| local("slot", *index)).collect();
        let build = fields.iter().map(|(index, field)| {
            let name = field.name;
            let slot = local("slot", *index);
            let function = default_name(*index);
            match field.default {
                Default::None => quote!(#name: reader.required::<Self, #index>(#slot)?),
                Default::Expr(_) | Default::Absent => quote!(#name: #slot.unwrap_or_else(#function)),
                Default::Flatten => quote!(#name: reader.flattened::<Self, #index>()?),
            }
        });
        let schema = fields.iter().map(|(index, field)| {
            let doc = docs::text(field.attributes);
            let function = default_name(*index);
            let described = match field.default {
                Default::None => quote!(object.required::<Self, #index>(#doc);),
                Default::Expr(_) | Default::Absent => {
                    quote!(object.defaulted::<Self, #index>(#doc, #function);)
                }
                Default::Flatten => quote!(object.flattened::<Self, #index>();),
            };
            let rules = field.rules.iter().map(|rule| rule.expand(field.ty, private));
            let ruled =
                (!field.rules.is_empty()).then(|| quote!(object.ruled::<Self, #index>(&[#(#rules),*]);));
            quote!(#described #ruled)
        });
        quote! {
            impl #private::Record for #name {
                const NAME: &'static str = #text;
                const FIELDS: &'static [&'static str] = &[#(#keys),*];
                const FLATTENED: bool = #flattened;
                const STRICT: bool = #strict;

                fn write<__M>(&self, map: &mut __M) -> ::core::result::Result<(), __M::Error>
                where
                    __M: #private::serde::ser::SerializeMap,
                {
                    #(#write)*
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
                            #(#keyed => reader.value::<Self, #keyed>(&mut #slots)?,)*
                            _ => {}
                        }
                    }
                    ::core::result::Result::Ok(Self { #(#build),* })
                }

                fn schema(object: &mut #private::ObjectSchema<'_>) {
                    #(#schema)*
                }
            }
        }
    }

    /// `Clone`, and `Default` where every field has one.
    fn standard(&self) -> TokenStream {
        let Self { name, .. } = self;
        // A plain bound on a type that is not generic is an error where it does not hold; one under `for` only
        // takes the implementation away.
        let names: Vec<&Ident> = self.fields.iter().map(|field| field.name).collect();
        let types = self.fields.iter().map(|field| field.ty);
        let clone = quote! {
            impl ::core::clone::Clone for #name
            where
                #(for<'__any> #types: ::core::clone::Clone,)*
            {
                fn clone(&self) -> Self {
                    Self { #(#names: ::core::clone::Clone::clone(&self.#names)),* }
                }
            }
        };
        if !self.strict || self.fields.iter().any(|field| matches!(field.default, Default::None)) {
            return clone;
        }
        let flat = self.fields.iter().filter(|field| is_flat(field)).map(|field| field.ty);
        let values = self.indexed().into_iter().map(|(index, field)| {
            let name = field.name;
            let function = default_name(index);
            if is_flat(field) {
                quote!(#name: ::core::default::Default::default())
            } else {
                quote!(#name: #function())
            }
        });
        quote! {
            #clone

            impl ::core::default::Default for #name
            where
                #(for<'__any> #flat: ::core::default::Default,)*
            {
                fn default() -> Self {
                    Self { #(#values),* }
                }
            }
        }
    }
}

fn is_flat(field: &Field<'_>) -> bool {
    matches!(field.default, Default::Flatten)
}

/// The function that makes a field's default: the expression stands in it alone, so that a mistake in it is
/// reported once.
fn default(index: usize, field: &Field<'_>) -> Option<TokenStream> {
    let ty = field.ty;
    let function = default_name(index);
    let value = match &field.default {
        Default::Expr(expr) => quote!(#expr),
        Default::Absent => quote!(<#ty as ::core::default::Default>::default()),
        Default::None | Default::Flatten => return None,
    };
    Some(quote!(fn #function() -> #ty { #value }))
}

fn default_name(index: usize) -> Ident {
    format_ident!("__default_{index}", span = Span::mixed_site())
}

fn local(name: &str, index: usize) -> Ident {
    format_ident!("{name}_{index}", span = Span::mixed_site())
}
