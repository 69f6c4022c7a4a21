//! The streamed response.

use serde::Deserialize;
use serde_json::Value;

use super::content::{Thought, sign};
use super::request::ANSWER_TOOL;
use super::response::{Block, StopDetails, UsageBody, finish};
use crate::ai::http::{Endpoint, ServerEvent};
use crate::ai::message::ToolCall;
use crate::ai::providers::parts::EventReader;
use crate::ai::response::{FinishReason, StreamPart};
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    ContentBlockStop,
    MessageDelta {
        delta: Stopped,
        #[serde(default)]
        usage: UsageBody,
    },
    MessageStop,
    /// An error can also follow valid events, for example when the provider becomes overloaded.
    Error {
        error: Value,
    },
    /// `ping`, and events of unknown types.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    usage: UsageBody,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Stopped {
    stop_reason: Option<String>,
    #[serde(default)]
    stop_details: Option<StopDetails>,
}

/// The content block in progress. Blocks follow each other and do not overlap.
enum Open {
    Nothing,
    Thought(Thought),
    Call {
        id: String,
        name: String,
        input: String,
    },
    /// The object, as the input of the tool that takes it.
    Object,
}

/// Reads the events of one response.
pub(super) struct StreamReader {
    endpoint: Endpoint,
    request: Value,
    open: Open,
    thoughts: Vec<Thought>,
    /// Text around an object. It is the response only if the object is missing.
    held: Option<String>,
    usage: Option<UsageBody>,
    stop: Option<Stopped>,
    calls_tools: bool,
    /// Whether the input of a tool call is incomplete.
    is_broken: bool,
}

impl StreamReader {
    pub fn new(endpoint: Endpoint, request: Value) -> Self {
        let returns_object_by_tool = request["tools"]
            .as_array()
            .is_some_and(|tools| tools.iter().any(|tool| tool["name"] == ANSWER_TOOL));
        Self {
            endpoint,
            request,
            open: Open::Nothing,
            thoughts: Vec::new(),
            held: returns_object_by_tool.then(String::new),
            usage: None,
            stop: None,
            calls_tools: false,
            is_broken: false,
        }
    }

    fn begin(&mut self, block: Block) -> Vec<StreamPart> {
        self.open = match block {
            Block::Text { text } => {
                self.open = Open::Nothing;
                return self.text(text);
            }
            Block::Thinking { thinking, signature } => {
                let begun = reasoning(thinking.clone());
                self.open = Open::Thought(Thought::Thinking { thinking, signature });
                return begun;
            }
            Block::RedactedThinking { data } => Open::Thought(Thought::RedactedThinking { data }),
            Block::ToolUse { name, .. } if name == ANSWER_TOOL => {
                self.held = None;
                Open::Object
            }
            Block::ToolUse { id, name, .. } => Open::Call { id, name, input: String::new() },
            Block::Other => Open::Nothing,
        };
        Vec::new()
    }

    fn more(&mut self, delta: Delta) -> Vec<StreamPart> {
        match (delta, &mut self.open) {
            (Delta::Text { text }, _) => return self.text(text),
            (Delta::Thinking { thinking: more }, Open::Thought(Thought::Thinking { thinking, .. })) => {
                thinking.push_str(&more);
                return reasoning(more);
            }
            (Delta::Signature { signature: more }, Open::Thought(Thought::Thinking { signature, .. })) => {
                signature.push_str(&more);
            }
            (Delta::InputJson { partial_json }, Open::Call { input, .. }) => {
                input.push_str(&partial_json);
            }
            (Delta::InputJson { partial_json }, Open::Object) => return text(partial_json),
            _ => {}
        }
        Vec::new()
    }

    fn close(&mut self) -> Vec<StreamPart> {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Thought(thought) => self.thoughts.push(thought),
            Open::Call { id, name, input } => {
                // A call of a tool without parameters has an empty input.
                let input = if input.is_empty() { "{}" } else { &input };
                let Ok(input) = serde_json::from_str(input) else {
                    self.is_broken = true;
                    return Vec::new();
                };
                self.calls_tools = true;
                return vec![StreamPart::ToolCall(ToolCall {
                    id,
                    name,
                    input,
                    signature: sign(&mut self.thoughts),
                })];
            }
            Open::Object | Open::Nothing => {}
        }
        Vec::new()
    }

    fn finish(&mut self) -> Result<Vec<StreamPart>, AiError> {
        let stop = self.stop.take();
        let (reason, details) = stop.map_or((None, None), |stop| (stop.stop_reason, stop.stop_details));
        let finish_reason = finish(reason.as_deref(), details.as_ref(), self.calls_tools)?;
        // At the token limit the last tool call is truncated, and is ignored.
        if self.is_broken && finish_reason != FinishReason::Length {
            return Err(self.endpoint.malformed("the input of a tool call is not JSON"));
        }
        let mut parts = text(self.held.take().unwrap_or_default());
        parts.push(StreamPart::Finished { usage: self.usage().unwrap_or_default(), finish_reason });
        Ok(parts)
    }

    fn text(&mut self, more: String) -> Vec<StreamPart> {
        match &mut self.held {
            Some(held) => {
                held.push_str(&more);
                Vec::new()
            }
            None => text(more),
        }
    }
}

fn text(text: String) -> Vec<StreamPart> {
    if text.is_empty() { Vec::new() } else { vec![StreamPart::Text(text)] }
}

fn reasoning(text: String) -> Vec<StreamPart> {
    if text.is_empty() { Vec::new() } else { vec![StreamPart::Reasoning(text)] }
}

impl EventReader for StreamReader {
    fn event(&mut self, event: &ServerEvent) -> Result<Vec<StreamPart>, AiError> {
        let event: Event = serde_json::from_str(&event.data)
            .map_err(|_| self.endpoint.malformed("an event of the stream is malformed"))?;
        Ok(match event {
            Event::MessageStart { message } => {
                self.usage = Some(message.usage);
                Vec::new()
            }
            Event::ContentBlockStart { content_block } => self.begin(content_block),
            Event::ContentBlockDelta { delta } => self.more(delta),
            Event::ContentBlockStop => self.close(),
            Event::MessageDelta { delta, usage } => {
                self.usage.get_or_insert_default().update(usage);
                self.stop = Some(delta);
                Vec::new()
            }
            Event::MessageStop => self.finish()?,
            Event::Error { error } => return Err(self.endpoint.reported(&error, None, Some(&self.request))),
            Event::Other => Vec::new(),
        })
    }

    fn end(&mut self) -> Result<Vec<StreamPart>, AiError> {
        Ok(Vec::new())
    }

    fn usage(&self) -> Option<Usage> {
        self.usage.map(UsageBody::usage)
    }
}
