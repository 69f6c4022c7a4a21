//! Answers that are payloads, byte for byte as they are stored apart from hidden fields.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use workflow_engine::Json;

use crate::app::App;
use crate::audit;
use crate::authorize::Caller;
use crate::grant::Grant;
use crate::problem::Problem;
use crate::request::Flag;

/// The name of the header with the size of the whole payload.
pub(crate) const TOTAL_BYTES: HeaderName = HeaderName::from_static("x-total-bytes");

/// How a payload is shown.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowPayload {
    /// The most bytes to return: the text is cut there. The header `X-Total-Bytes` tells the size of the whole.
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    pub(crate) preview: Option<std::num::NonZeroU32>,
    /// Whether to show the values of hidden fields. It needs the grant `operate`, and is an action of the audit log.
    #[serde(default)]
    pub(crate) reveal: Flag,
}

/// Answers with a payload. Its name is that of a download.
pub(crate) fn payload(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    show: &ShowPayload,
    json: &Json,
    name: &str,
) -> Result<Response, Problem> {
    let shown = if show.reveal.0 {
        if caller.grant < Grant::Operate {
            let detail = "`reveal` needs the grant `operate`";
            return Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail));
        }
        audit::action(caller, "reveal", name, "done");
        json.clone()
    } else {
        app.redactor.json(json)
    };
    let text = shown.as_str();
    let total = text.len();
    let end =
        show.preview.map_or(total, |preview| usize::try_from(preview.get()).unwrap_or(usize::MAX).min(total));
    let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    // What is cut is no longer JSON.
    let kind = if end < total { "text/plain; charset=utf-8" } else { "application/json" };
    let mut response = tagged(headers, text[..end].to_owned(), kind);
    let headers = response.headers_mut();
    headers.insert(TOTAL_BYTES, HeaderValue::from(total));
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{safe}.json\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Answers with a text and its `ETag`, or with 304 if the client has it.
pub(crate) fn tagged(headers: &HeaderMap, text: String, kind: &'static str) -> Response {
    let tag = etag(text.as_bytes());
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| matches(known, &tag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(text));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    // The browser may keep it, and asks each time whether it is current.
    response.headers_mut().insert(http::header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Returns the entity tag of a body.
pub(crate) fn etag(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..12]))
}

/// Returns whether a list of entity tags has this one.
pub(crate) fn matches(tags: &HeaderValue, tag: &str) -> bool {
    let tags = tags.to_str().unwrap_or_default();
    tags.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
