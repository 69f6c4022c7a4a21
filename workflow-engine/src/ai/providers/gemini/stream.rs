//! The streamed response.

use serde_json::Value;

use super::response::{PartBody, ResponseBody, UsageBody, ensure_not_blocked, finish, tool_call};
use crate::ai::http::{Endpoint, ServerEvent};
use crate::ai::providers::parts::EventReader;
use crate::ai::response::StreamPart;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

/// Reads the events of one response.
pub(super) struct StreamReader {
    endpoint: Endpoint,
    request: Value,
    tool_calls: usize,
    usage: Option<UsageBody>,
    /// Arrives with the last text, but further events can follow.
    finish_reason: Option<String>,
}

impl StreamReader {
    pub fn new(endpoint: Endpoint, request: Value) -> Self {
        Self { endpoint, request, tool_calls: 0, usage: None, finish_reason: None }
    }

    fn part(&mut self, part: PartBody, response_id: Option<&str>, parts: &mut Vec<StreamPart>) {
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            parts.push(if part.thought { StreamPart::Reasoning(text) } else { StreamPart::Text(text) });
        }
        if let Some(function) = part.function_call {
            let call = tool_call(function, part.thought_signature, response_id, self.tool_calls);
            self.tool_calls += 1;
            parts.push(StreamPart::ToolCall(call));
        }
    }
}

impl EventReader for StreamReader {
    fn event(&mut self, event: &ServerEvent) -> Result<Vec<StreamPart>, AiError> {
        let malformed = || self.endpoint.malformed("an event of the stream is malformed");
        let event: Value = serde_json::from_str(&event.data).map_err(|_| malformed())?;
        // An error after valid events is one more event.
        if let Some(error) = event.get("error") {
            return Err(self.endpoint.reported(error, None, Some(&self.request)));
        }
        let body: ResponseBody = serde_json::from_value(event).map_err(|_| malformed())?;
        self.usage = body.usage_metadata.or(self.usage);
        ensure_not_blocked(body.prompt_feedback.as_ref())?;
        let mut parts = Vec::new();
        if let Some(candidate) = body.candidates.into_iter().next() {
            for part in candidate.content.into_iter().flat_map(|content| content.parts) {
                self.part(part, body.response_id.as_deref(), &mut parts);
            }
            self.finish_reason = candidate.finish_reason.or(self.finish_reason.take());
        }
        Ok(parts)
    }

    fn end(&mut self) -> Result<Vec<StreamPart>, AiError> {
        let Some(reason) = self.finish_reason.take() else { return Ok(Vec::new()) };
        let finish_reason = finish(Some(&reason), self.tool_calls > 0);
        Ok(vec![StreamPart::Finished { usage: self.usage().unwrap_or_default(), finish_reason }])
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.map(UsageBody::usage)
    }
}
