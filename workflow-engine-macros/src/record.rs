//! What every generated structure shares: the traits that others know it by, each a call into the library.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::casing::plain;

/// `Serialize`, `Deserialize`, `JsonSchema` and `Debug` of a record.
pub fn delegations(name: &Ident, private: &TokenStream) -> TokenStream {
    let text = plain(name);
    quote! {
        impl #private::serde::Serialize for #name {
            fn serialize<__S>(&self, serializer: __S) -> ::core::result::Result<__S::Ok, __S::Error>
            where
                __S: #private::serde::Serializer,
            {
                #private::serialize(self, serializer)
            }
        }

        impl<'__de> #private::serde::Deserialize<'__de> for #name {
            fn deserialize<__D>(deserializer: __D) -> ::core::result::Result<Self, __D::Error>
            where
                __D: #private::serde::Deserializer<'__de>,
            {
                #private::deserialize(deserializer)
            }
        }

        impl #private::schemars::JsonSchema for #name {
            fn schema_name() -> #private::Cow<'static, str> {
                #private::Cow::Borrowed(#text)
            }

            fn schema_id() -> #private::Cow<'static, str> {
                #private::Cow::Borrowed(::core::any::type_name::<Self>())
            }

            fn json_schema(
                generator: &mut #private::schemars::SchemaGenerator,
            ) -> #private::schemars::Schema {
                #private::record_schema::<Self>(generator)
            }
        }

        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #private::debug(self, f)
            }
        }
    }
}
