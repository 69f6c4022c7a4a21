//! What every generated structure shares: the traits that others know it by, each a call into the library.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::casing::plain;

/// `Serialize`, `Deserialize`, `JsonSchema` and `Debug` of a record.
pub fn delegations(name: &Ident, private: &TokenStream) -> TokenStream {
    let text = plain(name);
    quote! {
        impl #private::Serialize for #name {
            fn serialize<__S: #private::Serializer>(&self, to: __S) -> #private::Result<__S::Ok, __S::Error> {
                #private::serialize(self, to)
            }
        }

        impl<'__de> #private::Deserialize<'__de> for #name {
            fn deserialize<__D: #private::Deserializer<'__de>>(from: __D) -> #private::Result<Self, __D::Error> {
                #private::deserialize(from)
            }
        }

        impl #private::JsonSchema for #name {
            fn schema_name() -> #private::Cow<'static, str> {
                #private::Cow::Borrowed(#text)
            }

            fn schema_id() -> #private::Cow<'static, str> {
                #private::schema_id::<Self>()
            }

            fn json_schema(generator: &mut #private::SchemaGenerator) -> #private::Schema {
                #private::record_schema::<Self>(generator)
            }
        }

        impl #private::Debug for #name {
            fn fmt(&self, f: &mut #private::Formatter<'_>) -> #private::FmtResult {
                #private::debug(self, f)
            }
        }
    }
}
