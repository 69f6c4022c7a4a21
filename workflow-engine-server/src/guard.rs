//! What every request passes first, and every answer last.

#![allow(clippy::disallowed_methods, reason = "it bounds requests in real time")]

use std::net::{IpAddr, Ipv6Addr};
use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::app::App;
use crate::problem::Problem;

/// The id of a request, in its answer and in the logs.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, applies the limits, and completes the answer.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId(uuid::Uuid::now_v7().to_string());
    request.extensions_mut().insert(id.clone());
    let response = match check(&app, &request) {
        Ok(()) => serve(&app, request, next, &id).await,
        Err(problem) => problem.into_response(),
    };
    complete(&app, response, &id)
}

async fn serve(app: &App, request: Request, next: Next, id: &RequestId) -> Response {
    let Ok(_place) = app.requests.try_acquire() else {
        return Problem::overloaded("the server is busy with as many requests as it takes at once")
            .into_response();
    };
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(app.settings.request_timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(target: "workflow_engine::server", request_id = id.0, "a request panicked");
            Problem::internal().into_response()
        }
        Err(_) => {
            let detail =
                "the request took longer than the server allows; what it has begun may still take effect";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT", detail).into_response()
        }
    }
}

fn check(app: &App, request: &Request) -> Result<(), Problem> {
    let limit = app.settings.header_limit;
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > limit {
        let detail = format!("the headers of a request have at most {limit} bytes, not {bytes}");
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "HEADERS_TOO_LARGE", detail));
    }
    if request.uri().to_string().len() > limit {
        let detail = format!("the URL of a request has at most {limit} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "URL_TOO_LONG", detail));
    }
    // What an orchestrator or Prometheus asks comes by the machine's address. A probe learns nothing but the health, and the
    // metrics need a token.
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics");
    if is_probe || is_admitted_host(app, headers, request.uri()) {
        return Ok(());
    }
    let detail =
        "the `Host` is neither loopback nor that of the public URL: set the public URL of the server";
    Err(Problem::new(StatusCode::FORBIDDEN, "HOST_REFUSED", detail))
}

/// Returns whether the host is the server's own. A page of another site that has its name point to this machine sends its
/// own name.
fn is_admitted_host(app: &App, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(host) = host(headers, uri) else { return false };
    let host = host.to_ascii_lowercase();
    let public = app.settings.public_url.as_ref();
    public.is_some_and(|url| name_of(&url.authority) == name_of(&host)) || is_loopback(name_of(&host))
}

pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        // HTTP 2 has it in the URI.
        (None, _) => uri.authority().map(http::uri::Authority::as_str),
        _ => None,
    }
}

/// Returns a host without its port.
fn name_of(host: &str) -> &str {
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    host.split(':').next().unwrap_or(host)
}

fn is_loopback(name: &str) -> bool {
    if name == "localhost" {
        return true;
    }
    if let Some(address) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Adds the headers of every answer.
fn complete(app: &App, mut response: Response, id: &RequestId) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let headers = std::mem::take(response.headers_mut());
        let source = problem.source();
        response = problem.with_request_id(&id.0).write();
        if let Some(source) = source {
            response.extensions_mut().insert(source);
        }
        // A refusal says which methods there are.
        for (name, value) in headers {
            if let Some(name) = name
                && !response.headers().contains_key(&name)
                && name != header::CONTENT_LENGTH
            {
                response.headers_mut().insert(name, value);
            }
        }
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    let policy = match app.settings.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        origins => origins.join(" "),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri \
         'self'; form-action 'self'; frame-ancestors {policy}; require-trusted-types-for 'script'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
