//! The JSON Schemas of values whose stored form is written by hand, so that stages can take and return them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{CallId, Cost, Json, RunId};

macro_rules! schemas {
    ($($type:ident = $schema:tt;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

schemas! {
    RunId = { "type": "string", "format": "uuid" };
    CallId = { "type": "string", "format": "uuid" };
    Cost = { "type": "string", "pattern": "^[0-9]+([.][0-9]{1,12})?( ?USD)?$" };
    // Every value.
    Json = {};
}
