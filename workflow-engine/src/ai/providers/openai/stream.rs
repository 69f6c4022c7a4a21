//! An answer piece by piece.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::Value;

use super::response::{Said, finish_reason, no_json, refused};
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
    /// In the last chunk, after the one with the reason; servers that give it in each count on.
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

struct Reading {
    endpoint: Endpoint,
    events: EventStream,
    /// What was asked: what errors shall not repeat.
    request: Value,
    ready: VecDeque<StreamPart>,
    calls: Calls,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    is_refused: bool,
    is_over: bool,
}

pub(super) fn parts(endpoint: Endpoint, events: EventStream, request: Value) -> GenerateStream {
    let reading = Reading {
        endpoint,
        events,
        request,
        ready: VecDeque::new(),
        calls: Calls::default(),
        usage: None,
        finish_reason: None,
        is_refused: false,
        is_over: false,
    };
    let stream = unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(part)) => Some((Ok(part), Some(reading))),
            Ok(None) => None,
            Err(error) => Some((Err(reading.spent(error)), None)),
        }
    });
    stream.boxed()
}

impl Reading {
    async fn next(&mut self) -> Result<Option<StreamPart>, AiError> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(Some(part));
            }
            if self.is_over {
                return Ok(None);
            }
            match self.events.next().await.transpose()? {
                Some(event) if event.data == "[DONE]" => self.finish()?,
                Some(event) => self.take(&event)?,
                // A server that forgets the last event has still said everything.
                None if self.finish_reason.is_some() && self.usage.is_some() => self.finish()?,
                None => {
                    let message = format!("the stream of provider `{}` was cut", self.endpoint.provider());
                    return Err(AiError::new(AiErrorKind::Connection, message));
                }
            }
        }
    }

    fn take(&mut self, event: &ServerEvent) -> Result<(), AiError> {
        let Ok(chunk) = serde_json::from_str::<Chunk>(&event.data) else {
            return Err(self
                .endpoint
                .malformed("an event of the stream is not of the form that was expected"));
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
        choice.delta.tool_calls.into_iter().flatten().for_each(|piece| self.calls.add(piece));
        self.finish_reason = choice.finish_reason.or(self.finish_reason.take());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AiError> {
        if self.is_refused {
            return Err(refused(&self.endpoint));
        }
        let finish_reason = finish_reason(self.finish_reason.as_deref(), !self.calls.is_empty());
        let Ok(calls) = std::mem::take(&mut self.calls).finish() else {
            return Err(no_json(&self.endpoint));
        };
        self.ready.extend(calls.into_iter().map(StreamPart::ToolCall));
        let usage = self.usage.unwrap_or_default();
        self.ready.push_back(StreamPart::Finished { usage, finish_reason });
        self.is_over = true;
        Ok(())
    }

    fn spent(&self, error: AiError) -> AiError {
        match self.usage {
            Some(usage) => error.with_usage(usage),
            None => error,
        }
    }
}
