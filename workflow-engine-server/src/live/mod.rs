//! Live streams: server-sent events of a run, or of the runs of a list.

mod frame;
mod feed;
mod position;
mod run_stream;
mod list_stream;
mod states;

pub(crate) use feed::Feeds;
pub(crate) use list_stream::ListStream;
pub(crate) use position::Position;
pub(crate) use run_stream::{RunStream, Topics};
pub(crate) use states::RunStates;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::app::App;

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// How long a stream is silent before it sends a comment, so that proxies keep the connection.
const SILENCE: Duration = Duration::from_secs(15);

/// What a stream sends next; `None` ends it.
pub(crate) trait Source: Send + 'static {
    /// Waits for the next text.
    fn next(&mut self) -> impl Future<Output = Option<String>> + Send;
}

/// Answers with a stream, which ends with [`App::stopped`].
pub(crate) fn respond(app: &App, source: impl Source) -> Response {
    let app = app.clone();
    // The client reconnects after this time.
    let opening = Some("retry: 1000\n\n".to_owned());
    let texts = stream::unfold((opening, source), move |(opening, mut source)| {
        let stopped = app.stopped();
        async move {
            if let Some(text) = opening {
                return Some((text, (None, source)));
            }
            let next = tokio::select! {
                () = stopped => None,
                next = source.next() => next,
            };
            next.map(|text| (text, (None, source)))
        }
    });
    let body = Body::from_stream(futures_util::StreamExt::map(texts, Ok::<_, Infallible>));
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would collect the events.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
