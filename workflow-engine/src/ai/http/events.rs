//! An answer that comes event by event.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use super::fault::ErrorFactory;
use super::sse::{Decoder, ServerEvent};
use crate::ledger::ai_error::AiError;

/// Ends after an error, and without one where the server ends it: whether it was whole, its last event says.
pub(crate) type EventStream = BoxStream<'static, Result<ServerEvent, AiError>>;

struct Reading {
    response: Response,
    decoder: Decoder,
    timeout: Duration,
    faults: ErrorFactory,
}

pub(super) fn events(
    response: Response,
    timeout: Duration,
    faults: ErrorFactory,
) -> Result<EventStream, AiError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return Err(faults.malformed("a stream was asked for, and it answered with one JSON value"));
    }
    let reading = Reading { response, decoder: Decoder::default(), timeout, faults };
    let stream = unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(event)) => Some((Ok(event), Some(reading))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(stream.boxed())
}

impl Reading {
    async fn next(&mut self) -> Result<Option<ServerEvent>, AiError> {
        loop {
            if let Some(event) = self.decoder.next() {
                return Ok(Some(event));
            }
            // Whatever comes shows that the server is at work, also a comment that only keeps the connection open.
            let Ok(chunk) = tokio::time::timeout(self.timeout, self.response.chunk()).await else {
                return Err(self.faults.timeout(self.timeout));
            };
            let Some(chunk) = chunk.map_err(|error| self.faults.transport(error))? else {
                return Ok(None);
            };
            if self.decoder.push(&chunk).is_err() {
                return Err(self.faults.malformed("an event is longer than 64 MiB"));
            }
        }
    }
}
