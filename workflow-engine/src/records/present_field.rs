//! An optional JSON field that may be `null`.

use serde::{Deserialize, Deserializer};

use crate::value::Json;

/// Reads a present field as `Some`, also where its value is `null`, which is the output of a stage that returns `()`.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}
