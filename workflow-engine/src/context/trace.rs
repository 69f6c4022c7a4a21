//! The caller's trace in the metadata of a run.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::scheduled::remove_tick;
use crate::value::Json;

type Fields = BTreeMap<String, Json>;

/// The key of a caller's trace in the metadata.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Returns the trace and the flags of a `traceparent` in the form that W3C prescribes.
pub(crate) fn parse_traceparent(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('-');
    let [version, trace_id, span_id, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let is_valid = is_hex(version, 2) && is_hex(trace_id, 32) && is_hex(span_id, 16) && is_hex(flags, 2);
    (is_valid && version != "ff" && !is_zero(trace_id) && !is_zero(span_id)).then_some((trace_id, flags))
}

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

/// Decodes metadata without the caller's trace and the tick of a schedule, which the program may not know of. Without
/// anything else there is no metadata.
pub(super) fn without_engine_fields<T: DeserializeOwned>(
    metadata: &Json,
) -> Option<Result<Option<T>, serde_json::Error>> {
    let mut fields: Fields = metadata.decode().ok()?;
    let has_trace = fields.remove(TRACEPARENT).is_some();
    if !remove_tick(&mut fields) && !has_trace {
        return None;
    }
    if fields.is_empty() {
        return Some(Ok(None));
    }
    Some(Json::write(&fields).and_then(|rest| rest.decode()).map(Some))
}
