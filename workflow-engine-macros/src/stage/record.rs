//! The generated input and configuration: a plain structure, and what serde and schemars need of it.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Visibility;

use super::valid::{Default, Field};
use crate::casing::plain;
use crate::docs;

/// One generated structure.
pub struct Record<'a> {
    pub name: &'a Ident,
    /// The line of documentation.
    pub doc: String,
    pub visibility: &'a Visibility,
    pub fields: &'a [&'a Field<'a>],
    /// Whether an unknown key is an error.
    pub strict: bool,
    /// Whether it can be made from the output of other stages.
    pub from: bool,
    /// The path of `__private`.
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
        // With the span of the function's name, where rustc reports that the name is taken.
        let mut body = Group::new(Delimiter::Brace, quote!(#(#fields),*));
        body.set_span(name.span());
        let structure = quote_spanned!(name.span()=> struct #name #body);
        quote! {
            #[doc = #doc]
            #visibility #structure
        }
    }

    /// The implementations of traits of serde, schemars and the library.
    pub fn implementations(&self) -> TokenStream {
        let default = self.default();
        if let [field] = self.fields
            && !is_flat(field)
        {
            let lone = self.lone(field);
            return quote!(#lone #default);
        }
        let fields = self.fields();
        let listed = self.listed();
        quote!(#fields #listed #default)
    }

    /// The implementation for one field that has a key.
    fn lone(&self, field: &Field<'_>) -> TokenStream {
        let Self { name, private, strict, .. } = self;
        let (text, Field { name: field_name, ty, attributes, key, .. }) = (plain(name), field);
        let doc = docs::text(attributes);
        let shape = shape(field);
        let rules = field.rules.iter().map(|rule| rule.expand(ty, private));
        let checks = field.rules.iter().filter_map(|rule| rule.check(ty, private));
        if !*strict {
            let rules = (!field.rules.is_empty()).then(|| quote!(&[#(#rules),*]));
            return quote! {
                #private::record! { input #name = #text { #field_name #key: #ty = #doc #rules } }
                #(#checks)*
            };
        }
        let default = default(field, private);
        quote! {
            #private::record! {
                config #name = #text { #field_name #key: #ty = #shape(#doc) &[#(#rules),*] } #default
            }
            #(#checks)*
        }
    }

    /// The fields with their indices; flattened fields come last.
    fn indexed(&self) -> Vec<(usize, &Field<'_>)> {
        let (flat, keyed): (Vec<&&Field<'_>>, Vec<_>) =
            self.fields.iter().partition(|field| matches!(field.default, Default::Flatten));
        keyed.into_iter().chain(flat).copied().enumerate().collect()
    }

    /// The implementations of `Field`. Each type and each default is used once, with the user's span, so that a mistake in it is
    /// reported once.
    fn fields(&self) -> TokenStream {
        let Self { name, private, .. } = self;
        self.indexed()
            .into_iter()
            .map(|(index, field)| {
                let (field_name, ty) = (field.name, field.ty);
                let index = literal(index);
                let default = default(field, private);
                let checks = field.rules.iter().filter_map(|rule| rule.check(ty, private));
                quote! {
                    impl #private::Field<#index> for #name {
                        type Type = #ty;
                        fn of(&self) -> &#ty { &self.#field_name }
                        #default
                    }
                    #(#checks)*
                }
            })
            .collect()
    }

    /// The structure as a list of its fields.
    fn listed(&self) -> TokenStream {
        let Self { name, private, strict, .. } = self;
        let text = plain(name);
        let fields = self.indexed();
        let keys = fields.iter().filter(|(_, field)| !is_flat(field)).map(|(_, field)| &field.key);
        let shapes = fields.iter().map(|(_, field)| {
            let (shape, doc) = (shape(field), (!is_flat(field)).then(|| docs::text(field.attributes)));
            let rules = field.rules.iter().map(|rule| rule.expand(field.ty, private));
            let rules = (!field.rules.is_empty()).then(|| quote!(, &[#(#rules),*]));
            quote!(#shape(#doc) #rules;)
        });
        let nested = |item: &dyn Fn(usize, &Ident) -> TokenStream| {
            fields.iter().rev().fold(quote!(()), |rest, (index, field)| {
                let item = item(*index, field.name);
                quote!((#item, #rest))
            })
        };
        let types = nested(&|index, _| {
            let index = literal(index);
            quote!(#private::At<#index>)
        });
        // Generated names, because the user's field name could be a constant, which is a pattern.
        let make = nested(&|index, _| local(index).to_token_stream());
        let rows = fields.iter().map(|(_, Field { name, ty, .. })| quote!(#name: #ty,));
        let values = fields.iter().map(|(index, field)| {
            let (name, value) = (field.name, local(*index));
            quote!(#name: #value)
        });
        let from = self.from.then(|| {
            let types = self.fields.iter().map(|field| field.ty);
            let values = (0..self.fields.len()).map(local);
            if let [field] = self.fields {
                let (ty, value) = (field.ty, local(0));
                quote!(from #ty = #value,)
            } else {
                quote!(from (#(#types),*) = (#(#values),*),)
            }
        });
        quote! {
            #private::record! {
                #name = #text #strict [#(#keys)*] [#(#shapes)*]
                fields #types { #(#rows)* }
                make #make => { #(#values),* }
                #from
            }
        }
    }

    /// `Default`, if every field has one.
    fn default(&self) -> Option<TokenStream> {
        let Self { name, private, .. } = self;
        if !self.strict || self.fields.iter().any(|field| matches!(field.default, Default::None)) {
            return None;
        }
        let flat = self.fields.iter().filter(|field| is_flat(field)).map(|field| field.ty);
        let lone = self.fields.len() == 1;
        let values = self.indexed().into_iter().map(|(index, field)| {
            let name = field.name;
            if is_flat(field) {
                quote!(#name: #private::Default::default())
            } else if lone {
                quote!(#name: <Self as #private::Lone>::default())
            } else {
                let index = literal(index);
                quote!(#name: <Self as #private::Field<#index>>::default())
            }
        });
        Some(quote! {
            impl #private::Default for #name where #(for<'__any> #flat: #private::Default,)* {
                fn default() -> Self { Self { #(#values),* } }
            }
        })
    }
}

/// The name of the constructor of the field's shape.
fn shape(field: &Field<'_>) -> Ident {
    let name = match field.default {
        Default::None => "required",
        Default::Expr(_) | Default::Absent => "defaulted",
        Default::Flatten => "flattened",
    };
    Ident::new(name, Span::call_site())
}

/// The function of the field's default.
fn default(field: &Field<'_>, private: &TokenStream) -> Option<TokenStream> {
    let ty = field.ty;
    let value = match &field.default {
        Default::Expr(expr) => quote!(#expr),
        Default::Absent => quote!(<#ty as #private::Default>::default()),
        Default::None | Default::Flatten => return None,
    };
    Some(quote!(fn default() -> #ty { #value }))
}

fn is_flat(field: &Field<'_>) -> bool {
    matches!(field.default, Default::Flatten)
}

/// The index without a suffix, which is one token less.
fn literal(index: usize) -> Literal {
    Literal::usize_unsuffixed(index)
}

/// The variable of a field's value, which is invisible to the user's tokens.
fn local(index: usize) -> Ident {
    format_ident!("value_{index}", span = Span::mixed_site())
}
