//! The streamed response.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::Value;

use super::response::{MessageBody, finish_reason, invalid_arguments, refused};
use super::tools::Calls;
use super::usage::WireUsage;
use crate::ai::http::{Endpoint, EventStream, ServerEvent};
use crate::ai::response::{GenerateStream, StreamPart};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    /// Present in the last chunk, after the finish reason. Servers that send it in each chunk send cumulative counts.
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: MessageBody,
    #[serde(default)]
    finish_reason: Option<String>,
}

struct StreamReader {
    endpoint: Endpoint,
    events: EventStream,
    /// The request body, whose texts are redacted from errors.
    request: Value,
    ready: VecDeque<StreamPart>,
    calls: Calls,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    is_refused: bool,
    is_finished: bool,
}

pub(super) fn parts(endpoint: Endpoint, events: EventStream, request: Value) -> GenerateStream {
    let reader = StreamReader {
        endpoint,
        events,
        request,
        ready: VecDeque::new(),
        calls: Calls::default(),
        usage: None,
        finish_reason: None,
        is_refused: false,
        is_finished: false,
    };
    let stream = unfold(Some(reader), |reader| async {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(part)) => Some((Ok(part), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(reader.with_usage(error)), None)),
        }
    });
    stream.boxed()
}

impl StreamReader {
    async fn next(&mut self) -> Result<Option<StreamPart>, AiError> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(Some(part));
            }
            if self.is_finished {
                return Ok(None);
            }
            match self.events.next().await.transpose()? {
                Some(event) if event.data == "[DONE]" => self.finish()?,
                Some(event) => self.take(&event)?,
                // Some servers omit the last event; the response is complete without it.
                None if self.finish_reason.is_some() && self.usage.is_some() => self.finish()?,
                None => {
                    let message = format!(
                        "provider `{}` ended the stream before the response was complete",
                        self.endpoint.provider()
                    );
                    return Err(AiError::new(AiErrorKind::Connection, message));
                }
            }
        }
    }

    fn take(&mut self, event: &ServerEvent) -> Result<(), AiError> {
        let Ok(chunk) = serde_json::from_str::<Chunk>(&event.data) else {
            return Err(self.endpoint.malformed("an event of the stream does not have the expected form"));
        };
        if let Some(error) = chunk.error {
            return Err(self.endpoint.reported(&error, None, Some(&self.request)));
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(usage.into());
        }
        let Some(mut choice) = chunk.choices.into_iter().next() else { return Ok(()) };
        if let Some(reasoning) = choice.delta.reasoning() {
            self.ready.push_back(StreamPart::Reasoning(reasoning));
        }
        if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
            self.ready.push_back(StreamPart::Text(text));
        }
        self.is_refused |= choice.delta.refusal.is_some_and(|text| !text.is_empty());
        choice.delta.tool_calls.into_iter().flatten().for_each(|delta| self.calls.add(delta));
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AiError> {
        if self.is_refused {
            return Err(refused(&self.endpoint));
        }
        let finish_reason = finish_reason(self.finish_reason.as_deref(), !self.calls.is_empty());
        let Ok(calls) = std::mem::take(&mut self.calls).finish() else {
            return Err(invalid_arguments(&self.endpoint));
        };
        self.ready.extend(calls.into_iter().map(StreamPart::ToolCall));
        let usage = self.usage.unwrap_or_default();
        self.ready.push_back(StreamPart::Finished { usage, finish_reason });
        self.is_finished = true;
        Ok(())
    }

    fn with_usage(&self, error: AiError) -> AiError {
        match self.usage {
            Some(usage) => error.with_usage(usage),
            None => error,
        }
    }
}
