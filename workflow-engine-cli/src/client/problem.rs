//! Errors of the API as failures of a command.

use std::fmt::Write as _;

use http::StatusCode;
use serde::Deserialize;
use workflow_engine::ErrorCode;

use crate::failure::{Exit, Failure};

/// A problem of RFC 9457, as far as a person needs it.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    code: String,
    #[serde(default)]
    retryable: bool,
    request_id: Option<String>,
    #[serde(default)]
    errors: Vec<Place>,
}

#[derive(Debug, Deserialize)]
struct Place {
    pointer: String,
    detail: String,
}

/// Returns the failure for an answer that is an error.
pub fn failure(status: StatusCode, text: &str) -> Failure {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return Failure::new(exit(status, ""), format!("the server answered {status}"))
            .advice("is this the URL of the server? Another program may answer there");
    };
    let Problem { detail, code, retryable, request_id, errors } = problem;
    let mut message = detail;
    for Place { pointer, detail } in &errors {
        if !message.contains(detail.as_str()) {
            // Writing to a `String` cannot fail.
            let _ = write!(message, "; {pointer}: {detail}");
        }
    }
    let json = serde_json::json!({ "code": code, "message": message, "retryable": retryable, "request_id": request_id });
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
    let what = match (known, status.as_u16()) {
        (Some(known), _) => known.what_to_do(),
        (None, 401) => "pass the token of the server: `--token-file FILE` or WORKFLOW_ENGINE_TOKEN_FILE",
        (None, 403) => "use a token with a higher grant",
        (None, 429 | 503) => "try it again later",
        (None, 500..) => "the log of the server has the cause",
        _ => "see the guide of the server",
    };
    let advice = match request_id.filter(|_| status.is_server_error()) {
        Some(id) => format!("{what} ({code}, request {id})"),
        None => format!("{what} ({code})"),
    };
    Failure::new(exit(status, &code), message).advice(advice).json(json.to_string())
}

fn exit(status: StatusCode, code: &str) -> Exit {
    match (status.as_u16(), code) {
        (_, "RUN_FAILED" | "STAGE_FAILED") => Exit::RunFailed,
        (_, "RUN_CANCELLED") => Exit::RunCancelled,
        (_, "IDEMPOTENCY_CONFLICT") | (409 | 412, _) => Exit::Conflict,
        (401 | 403, _) => Exit::Denied,
        (404 | 405 | 410, _) => Exit::NotFound,
        (429 | 502..=504, _) => Exit::Unavailable,
        (400..=499, _) => Exit::Usage,
        _ => Exit::Internal,
    }
}
