//! Answers of one JSON value a line.

use axum::body::Body;
use axum::response::Response;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use workflow_engine::Error;

use crate::app::App;
use crate::problem::Problem;

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/x-ndjson";

/// Returns whether the client asks for lines.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

/// Answers with the items, one a line. An error in between ends the lines with a problem.
///
/// # Errors
/// 503 while too many streams are open.
pub(crate) fn lines<T: Serialize + 'static>(
    app: &App,
    items: impl Stream<Item = Result<T, Error>> + Send + 'static,
) -> Result<Response, Problem> {
    let place = std::sync::Arc::clone(&app.streams).try_acquire_owned();
    let place =
        place.map_err(|_| Problem::overloaded("as many streams are open as the server takes at once"))?;
    let lines = items.map(|item| match item {
        Ok(item) => line(&item),
        Err(error) => line(&Problem::from(error)),
    });
    let lines = lines.take_until(Box::pin(app.stopped())).map(Ok::<_, std::convert::Infallible>).inspect_ok(
        move |_| {
            // The stream holds its place until it is dropped.
            let _ = &place;
        },
    );
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Ok(response)
}

fn line<T: Serialize>(item: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(item).unwrap_or_default();
    line.push(b'\n');
    line
}
