//! What the engine and the server of this process have measured.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::Route;
use crate::app::App;

/// The version of the text format that Prometheus names in its requests.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/metrics", "metrics", metrics)
            .at_root()
            .summary("Returns the measurements of the engine and the server of this process, as text for Prometheus.")
            .answer(200, "The measurements.", vec![("text/plain", None)]),
    ]
}

async fn metrics(State(app): State<App>) -> Response {
    let mut text = app.engine.measurements().await.to_prometheus();
    text.push_str(&app.metrics.to_prometheus(app.open_streams()));
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}
