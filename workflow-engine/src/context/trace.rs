//! The caller's trace in the metadata of a run.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::run_details::{TRACEPARENT, parse_traceparent};
use crate::value::Json;

type Fields = BTreeMap<String, Json>;

/// Returns the caller's `traceparent`, if the metadata has one in the form that W3C prescribes.
pub(crate) fn caller_traceparent(metadata: &Json) -> Option<String> {
    let fields: Fields = metadata.decode().ok()?;
    let traceparent: String = fields.get(TRACEPARENT)?.decode().ok()?;
    parse_traceparent(&traceparent).is_some().then_some(traceparent)
}

/// Returns the metadata with this trace of the caller. Metadata that is no object, or has a trace, stays as it is.
pub(crate) fn with_traceparent(metadata: Option<Json>, traceparent: &str) -> Option<Json> {
    let mut fields = match &metadata {
        None => Fields::new(),
        Some(json) => match json.decode::<Fields>() {
            Ok(fields) if !fields.contains_key(TRACEPARENT) => fields,
            _ => return metadata,
        },
    };
    let Ok(value) = Json::write(traceparent) else { return metadata };
    fields.insert(TRACEPARENT.to_owned(), value);
    Json::write(&fields).ok().or(metadata)
}

/// Decodes metadata without the caller's trace, which the program may not know of. Without anything else there is no
/// metadata.
pub(super) fn without_traceparent<T: DeserializeOwned>(
    metadata: &Json,
) -> Option<Result<Option<T>, serde_json::Error>> {
    let mut fields: Fields = metadata.decode().ok()?;
    fields.remove(TRACEPARENT)?;
    if fields.is_empty() {
        return Some(Ok(None));
    }
    Some(Json::write(&fields).and_then(|rest| rest.decode()).map(Some))
}
