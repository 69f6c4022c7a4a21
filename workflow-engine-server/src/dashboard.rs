//! The dashboard: its files are part of the program.

use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::app::App;
use crate::payload::{etag, matches};
use crate::problem::Problem;

/// A file of the dashboard, plain and compressed.
struct Asset {
    path: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

macro_rules! asset {
    ($path:literal, $media_type:literal) => {
        Asset {
            path: concat!("/", $path),
            media_type: $media_type,
            plain: include_bytes!(concat!("../dashboard/dist/", $path)),
            gzip: include_bytes!(concat!("../dashboard/dist/", $path, ".gz")),
        }
    };
}

const ASSETS: [Asset; 5] = [
    asset!("app.js", "text/javascript; charset=utf-8"),
    asset!("shared.js", "text/javascript; charset=utf-8"),
    asset!("more.js", "text/javascript; charset=utf-8"),
    asset!("app.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
];

/// The page. Each address of the dashboard returns it, and its script shows what the address names.
const PAGE: &str = include_str!("../dashboard/dist/index.html");

/// What the page has in place of the path below which the dashboard lives.
const BASE: &str = "<base href=\"./\">";

/// Serves the files and the page at every path that no route has.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || path.starts_with("/api/") {
        return Problem::not_found("there is no such route").into_response();
    }
    if let Some(asset) = ASSETS.iter().find(|asset| asset.path == path) {
        let is_gzip = accepts_gzip(request.headers());
        let body = if is_gzip { asset.gzip } else { asset.plain };
        let mut response = tagged(request.headers(), body, asset.media_type);
        if is_gzip {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        return response;
    }
    let original = request.extensions().get::<OriginalUri>().map_or(path, |original| original.path());
    let page = PAGE.replacen(BASE, &format!("<base href=\"{}\">", base(&app, original, path)), 1);
    tagged(request.headers(), &page, "text/html; charset=utf-8")
}

/// Returns the dashboard's root: as the public URL says, and otherwise relative to the page's own address, so that it is
/// right below every path of a proxy or of a program in which the service is nested.
fn base(app: &App, original: &str, path: &str) -> String {
    if !app.settings.path().is_empty() && app.settings.is_path_safe() {
        return format!("{}/", app.settings.path());
    }
    // A program nests the service at a path without a slash at its end.
    if path == "/" && original != path && !original.ends_with('/') {
        let last = original.rsplit('/').next().unwrap_or_default();
        let is_plain = last.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c));
        if is_plain && !last.is_empty() {
            return format!("./{last}/");
        }
    }
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        slashes => "../".repeat(slashes - 1),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && parts.next() != Some("q=0")
    })
}

/// Answers with these bytes and their tag, or with 304 if the browser has them.
fn tagged(headers: &HeaderMap, bytes: &(impl AsRef<[u8]> + ?Sized), media_type: &'static str) -> Response {
    let bytes = bytes.as_ref();
    let tag = etag(bytes);
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| matches(known, &tag));
    let mut response = Response::new(Body::from(if is_known { Vec::new() } else { bytes.to_vec() }));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    // The names of the files do not change with their contents, so the browser asks each time.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}
