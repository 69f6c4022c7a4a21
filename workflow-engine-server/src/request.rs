//! The parts of a request that handlers read, with problems for what cannot be read.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use workflow_engine::{AnyRun, RunId};

use crate::app::App;
use crate::authorize::Caller;
use crate::problem::Problem;

/// The parameters that may stand without a value: those of the type [`Flag`].
const SWITCHES: [&str; 5] = ["dry_run", "follow", "newest_first", "reveal", "run_only"];

/// The query of a request.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let unreadable = |error| Problem::malformed(format!("the query cannot be read: {error}"));
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query).map_err(unreadable)?;
        // An empty value would be read as an absent one, and select all runs where a variable of a script is empty.
        let empty = pairs.iter().find(|(name, value)| value.is_empty() && !SWITCHES.contains(&name.as_str()));
        if let Some((name, _)) = empty {
            let detail = format!("`{name}` has no value: leave it out, or give it one");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", detail));
        }
        serde_html_form::from_str(query).map(Self).map_err(unreadable)
    }
}

/// The JSON body of a request.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be JSON: send `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail));
        }
        let text = read_body(request, app.settings.body_limit).await?;
        // serde would read a list as the fields of a structure in their order.
        if text.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
            let detail = "the body must be a JSON object, and is a list";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", detail));
        }
        let mut reader = serde_json::Deserializer::from_slice(&text);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let pointer = pointer(error.path());
            let error = error.into_inner();
            if error.is_data() {
                let problem =
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", error.to_string());
                return problem.at(pointer, error.to_string());
            }
            Problem::malformed(format!("the body is not JSON: {error}"))
        })?;
        reader
            .end()
            .map_err(|error| Problem::malformed(format!("the body is not one JSON value: {error}")))?;
        Ok(Self(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(request: Request, limit: usize) -> Result<hyper::body::Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body of a request has at most {limit} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)
    };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let body = http_body_util::Limited::new(request.into_body(), limit);
    match http_body_util::BodyExt::collect(body).await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Problem::malformed("the body ended early")),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    use std::fmt::Write as _;

    let mut pointer = String::new();
    for segment in path {
        // Writing to a `String` cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
    }
    pointer
}

/// The run that the path names.
pub(crate) struct Run(pub(crate) AnyRun);

impl FromRequestParts<App> for Run {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let id: RunId = PathParams::from_request_parts(parts, app).await?.get("run_id").parse()?;
        let run = app.engine.any_run(id).await?;
        // What it does to the run, it does by its caller.
        Ok(Self(match parts.extensions.get::<Caller>() {
            Some(caller) => run.by(caller.actor()),
            None => run,
        }))
    }
}

/// The parts of the path that a route names.
pub(crate) struct PathParams(Vec<(String, String)>);

impl PathParams {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

impl FromRequestParts<App> for PathParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        let params = params.map_err(|_| Problem::malformed("the path is not UTF-8"))?;
        Ok(Self(params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()))
    }
}

/// The sender, which `authorize` has found.
impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

/// The key of a request that must have its effect once.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 255);
        let key = key.ok_or_else(|| {
            Problem::malformed("the header `Idempotency-Key` has 1 to 255 printable characters of ASCII")
        })?;
        Ok(Self(Some(key.to_owned())))
    }
}

/// A switch of a query: `?follow`, `?follow=true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "" | "true" | "1" => Ok(Self(true)),
            "false" | "0" => Ok(Self(false)),
            other => Err(serde::de::Error::custom(format_args!("`{other}` is neither `true` nor `false`"))),
        }
    }
}
