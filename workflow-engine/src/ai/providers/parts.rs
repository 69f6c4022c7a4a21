//! The conversion of a provider's events into the parts of a response.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::unfold;

use crate::ai::http::{EventStream, ServerEvent};
use crate::ai::response::{GenerateStream, StreamPart};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

/// Reads a wire format event by event.
pub(super) trait EventReader: Send + 'static {
    /// Returns the parts in an event.
    fn event(&mut self, event: &ServerEvent) -> Result<Vec<StreamPart>, AiError>;

    /// Returns the parts that follow from the end of the stream; none if the response is incomplete.
    fn end(&mut self) -> Result<Vec<StreamPart>, AiError>;

    /// Returns the usage that the provider has reported so far.
    fn usage(&self) -> Option<Usage>;
}

/// Returns the parts up to [`StreamPart::Finished`] or the first error. A stream that ends without it was cut.
pub(super) fn parts(provider: &'static str, events: EventStream, reader: impl EventReader) -> GenerateStream {
    let state = State { provider, events, reader, ready: VecDeque::new(), is_finished: false };
    unfold(state, |mut state| async {
        let part = state.next().await?;
        Some((part, state))
    })
    .boxed()
}

struct State<R> {
    provider: &'static str,
    events: EventStream,
    reader: R,
    ready: VecDeque<StreamPart>,
    is_finished: bool,
}

impl<R: EventReader> State<R> {
    async fn next(&mut self) -> Option<Result<StreamPart, AiError>> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                if matches!(part, StreamPart::Finished { .. }) {
                    self.is_finished = true;
                    self.ready.clear();
                }
                return Some(Ok(part));
            }
            if self.is_finished {
                return None;
            }
            let read = match self.events.next().await {
                Some(Ok(event)) => self.reader.event(&event),
                Some(Err(error)) => Err(error),
                None => self.reader.end().and_then(|parts| self.ensure_finished(parts)),
            };
            match read {
                Ok(parts) => self.ready.extend(parts),
                Err(error) => {
                    self.is_finished = true;
                    let usage = self.reader.usage();
                    return Some(Err(match usage {
                        Some(usage) => error.with_usage(usage),
                        None => error,
                    }));
                }
            }
        }
    }

    fn ensure_finished(&self, parts: Vec<StreamPart>) -> Result<Vec<StreamPart>, AiError> {
        if matches!(parts.last(), Some(StreamPart::Finished { .. })) {
            return Ok(parts);
        }
        let message =
            format!("provider `{}` ended the stream before the response was complete", self.provider);
        Err(AiError::new(AiErrorKind::Connection, message))
    }
}
