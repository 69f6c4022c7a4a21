//! Responses that arrive as server-sent events.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use super::error_factory::ErrorFactory;
use super::sse::{Decoder, ServerEvent};
use crate::ledger::ai_error::AiError;

/// A stream of events. It ends after an error, or when the server ends it; whether the response is complete depends on the
/// last event.
pub(crate) type EventStream = BoxStream<'static, Result<ServerEvent, AiError>>;

struct Reading {
    response: Response,
    decoder: Decoder,
    timeout: Duration,
    errors: ErrorFactory,
}

pub(super) fn events(
    response: Response,
    timeout: Duration,
    errors: ErrorFactory,
) -> Result<EventStream, AiError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return Err(errors.malformed("a stream was requested, but the response is a single JSON value"));
    }
    let reading = Reading { response, decoder: Decoder::default(), timeout, errors };
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
            // Any bytes show that the server is alive, including comments that only keep the connection open.
            let Ok(chunk) = tokio::time::timeout(self.timeout, self.response.chunk()).await else {
                return Err(self.errors.timeout(self.timeout));
            };
            let Some(chunk) = chunk.map_err(|error| self.errors.transport(error))? else {
                return Ok(None);
            };
            if self.decoder.push(&chunk).is_err() {
                return Err(self.errors.malformed("an event is longer than 64 MiB"));
            }
        }
    }
}
