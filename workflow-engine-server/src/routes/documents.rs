//! The document of the API.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::Route;
use crate::app::App;
use crate::payload;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/openapi.json", "openapi", document).summary("Returns this document.").answer(
        200,
        "An OpenAPI 3.1 document.",
        vec![("application/json", None)],
    )]
}

async fn document(State(_): State<App>, headers: HeaderMap) -> Response {
    payload::tagged(&headers, crate::openapi(), "application/json")
}
