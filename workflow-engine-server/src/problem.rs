//! Errors as RFC 9457 problems.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use workflow_engine::{Error, ErrorCode};

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An error of the API.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Details>);

/// An error of the API.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Details {
    /// Always `about:blank`: `code` tells the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The text of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened, and what to do.
    detail: String,
    /// The stable code, in capitals.
    code: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// The id of the request, as in the log of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The places of invalid input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<InvalidPlace>,
    /// The error of the engine.
    #[serde(skip)]
    source: Option<EngineError>,
}

/// The error of the engine that an answer reports, in the extensions of the answer: for a program that calls the service in
/// its own process. A client over HTTP receives less of an error that is no fault of its own.
#[derive(Clone, Debug)]
pub struct EngineError(pub Arc<Error>);

/// A place of invalid input.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct InvalidPlace {
    /// A JSON pointer into the body of the request.
    pub(crate) pointer: String,
    /// What is wrong there.
    pub(crate) detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let retryable = matches!(status.as_u16(), 429 | 503);
        Self(Box::new(Details {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            retryable,
            request_id: None,
            errors: Vec::new(),
            source: None,
        }))
    }

    /// A request that cannot be read: 400.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// An overload: 503.
    pub(crate) fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", detail)
    }

    pub(crate) fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(InvalidPlace { pointer: pointer.into(), detail: detail.into() });
        self
    }

    pub(crate) fn with_places(mut self, places: Vec<InvalidPlace>) -> Self {
        self.0.errors.extend(places);
        self
    }

    pub(crate) fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    pub(crate) fn with_request_id(mut self, id: &str) -> Self {
        self.0.request_id = Some(id.to_owned());
        self
    }

    /// Writes the problem as a response.
    pub(crate) fn write(&self) -> Response {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match self.0.status {
            503 => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
            429 => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("60"))),
            401 => {
                let challenge = HeaderValue::from_static("Bearer realm=\"workflow-engine\"");
                headers.insert(http::header::WWW_AUTHENTICATE, challenge);
            }
            _ => {}
        }
        response
    }
}

/// Answers with the problem; the guard adds the id of the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.write();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        let status = match code {
            ErrorCode::InvalidRunId | ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
            ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
            _ if error.is_not_found() => StatusCode::NOT_FOUND,
            _ if error.is_invalid_input() => StatusCode::UNPROCESSABLE_ENTITY,
            _ if error.is_conflict() || error.is_run_failed() || error.is_run_cancelled() => {
                StatusCode::CONFLICT
            }
            _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => {
                tracing::error!(target: "workflow_engine::server", code = code.as_str(), error = %error, "a request failed");
                return Self::internal().caused_by(error);
            }
        };
        if error.is_retryable() {
            // Its text may name hosts and files.
            tracing::warn!(target: "workflow_engine::server", code = code.as_str(), error = %error, "the store is unavailable");
            return Self::new(status, code.as_str(), code.when()).caused_by(error);
        }
        let problem = Self::new(status, code.as_str(), error.to_string());
        let problem = match code {
            ErrorCode::InvalidInput => problem.at("/input", error.to_string()),
            ErrorCode::InvalidConfig => problem.at("/config", error.to_string()),
            ErrorCode::InvalidTag => problem.at("/tags", error.to_string()),
            ErrorCode::IdempotencyInProgress => problem.retryable(),
            _ => problem,
        };
        problem.caused_by(error)
    }
}

impl Problem {
    fn caused_by(mut self, error: Error) -> Self {
        self.0.source = Some(EngineError(Arc::new(error)));
        self
    }

    /// Returns the error of the engine.
    pub(crate) fn source(&self) -> Option<EngineError> {
        self.0.source.clone()
    }

    /// An error of the server. Its cause is only in the log.
    pub(crate) fn internal() -> Self {
        let detail = "the request failed; the log of the server has its cause under the id of the request";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    }
}
