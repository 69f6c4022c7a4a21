//! An answer, read piece by piece.

use serde_json::Value;

use super::response::{AnswerBody, PartBody, UsageBody, finish, not_blocked, tool_call};
use crate::ai::http::{Endpoint, ServerEvent};
use crate::ai::providers::parts::Reading;
use crate::ai::response::StreamPart;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

/// What has been read so far.
pub(super) struct Answer {
    endpoint: Endpoint,
    request: Value,
    tool_calls: usize,
    usage: Option<UsageBody>,
    /// It comes with the last part, but more may follow it.
    finish_reason: Option<String>,
}

impl Answer {
    pub fn new(endpoint: Endpoint, request: Value) -> Self {
        Self { endpoint, request, tool_calls: 0, usage: None, finish_reason: None }
    }

    fn part(&mut self, part: PartBody, answer: Option<&str>, parts: &mut Vec<StreamPart>) {
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            parts.push(if part.thought { StreamPart::Reasoning(text) } else { StreamPart::Text(text) });
        }
        if let Some(function) = part.function_call {
            let call = tool_call(function, part.thought_signature, answer, self.tool_calls);
            self.tool_calls += 1;
            parts.push(StreamPart::ToolCall(call));
        }
    }
}

impl Reading for Answer {
    fn event(&mut self, event: &ServerEvent) -> Result<Vec<StreamPart>, AiError> {
        let unread = || self.endpoint.malformed("an event of the stream is no answer");
        let event: Value = serde_json::from_str(&event.data).map_err(|_| unread())?;
        // An error after a good beginning comes as one more event.
        if let Some(error) = event.get("error") {
            return Err(self.endpoint.reported(error, None, Some(&self.request)));
        }
        let body: AnswerBody = serde_json::from_value(event).map_err(|_| unread())?;
        self.usage = body.usage_metadata.or(self.usage);
        not_blocked(body.prompt_feedback.as_ref())?;
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
