//! Pieces of an answer, out of the events of a stream.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::unfold;

use crate::ai::http::{EventStream, ServerEvent};
use crate::ai::response::{GenerateStream, StreamPart};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

/// How a wire format is read, event by event.
pub(super) trait Reading: Send + 'static {
    /// The pieces that this event brings.
    fn event(&mut self, event: &ServerEvent) -> Result<Vec<StreamPart>, AiError>;

    /// The pieces that the end of the stream brings; none where it is no end of an answer.
    fn end(&mut self) -> Result<Vec<StreamPart>, AiError>;

    /// What it took so far, where the provider has said so.
    fn usage(&self) -> Option<Usage>;
}

/// The pieces, up to the last one or the first error. A stream that ends without the last piece was cut.
pub(super) fn parts(provider: &'static str, events: EventStream, reading: impl Reading) -> GenerateStream {
    let state = State { provider, events, reading, ready: VecDeque::new(), is_over: false };
    unfold(state, |mut state| async {
        let part = state.next().await?;
        Some((part, state))
    })
    .boxed()
}

struct State<R> {
    provider: &'static str,
    events: EventStream,
    reading: R,
    ready: VecDeque<StreamPart>,
    is_over: bool,
}

impl<R: Reading> State<R> {
    async fn next(&mut self) -> Option<Result<StreamPart, AiError>> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                if matches!(part, StreamPart::Finished { .. }) {
                    self.is_over = true;
                    self.ready.clear();
                }
                return Some(Ok(part));
            }
            if self.is_over {
                return None;
            }
            let read = match self.events.next().await {
                Some(Ok(event)) => self.reading.event(&event),
                Some(Err(error)) => Err(error),
                None => self.reading.end().and_then(|parts| self.whole(parts)),
            };
            match read {
                Ok(parts) => self.ready.extend(parts),
                Err(error) => {
                    self.is_over = true;
                    let usage = self.reading.usage();
                    return Some(Err(match usage {
                        Some(usage) => error.with_usage(usage),
                        None => error,
                    }));
                }
            }
        }
    }

    fn whole(&self, parts: Vec<StreamPart>) -> Result<Vec<StreamPart>, AiError> {
        if matches!(parts.last(), Some(StreamPart::Finished { .. })) {
            return Ok(parts);
        }
        let message = format!("provider `{}` ended the stream in the middle of the answer", self.provider);
        Err(AiError::new(AiErrorKind::Connection, message))
    }
}
