//! The JSON form of an error.

use std::borrow::Cow;
use std::error::Error as StdError;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Error, ErrorCode};

/// `{"code": "RUN_NOT_FOUND", "message": …, "retryable": false, "causes": […]}`: the texts of what caused it, the nearest
/// first.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut causes = Vec::new();
        let mut next: Option<&dyn StdError> = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let mut json = serializer.serialize_struct("Error", 4)?;
        json.serialize_field("code", &self.code())?;
        json.serialize_field("message", &self.to_string())?;
        json.serialize_field("retryable", &self.is_retryable())?;
        json.serialize_field("causes", &causes)?;
        json.end()
    }
}

impl JsonSchema for Error {
    fn schema_name() -> Cow<'static, str> {
        "Error".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Error").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "object",
            "required": ["code", "message", "retryable", "causes"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "retryable": { "type": "boolean" },
                "causes": { "type": "array", "items": { "type": "string" } },
            },
        })
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|known| known.as_str() == text);
        let unknown = || serde::de::Error::custom(format_args!("`{text}` is not the code of an error"));
        known.copied().ok_or_else(unknown)
    }
}
