//! Tool calls, complete or in deltas.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ai::message::ToolCall;

/// A tool call, or a delta of one.
#[derive(Deserialize)]
pub(super) struct WireCall {
    /// In a stream, the index of the call that the delta belongs to.
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

/// The tool calls of one response.
#[derive(Default)]
pub(super) struct Calls(Vec<Call>);

struct Call {
    index: Option<usize>,
    id: String,
    name: String,
    arguments: String,
}

/// The error for arguments that are not JSON.
pub(super) struct InvalidArguments;

impl Calls {
    pub(super) fn add(&mut self, delta: WireCall) {
        let id = delta.id.unwrap_or_default();
        // Some servers send index 0 for every call, but distinct ids.
        let existing = self.0.iter_mut().rev().find(|call| {
            let same_call = id.is_empty() || id == call.id;
            same_call && (delta.index.is_none() || delta.index == call.index)
        });
        let call = match existing {
            Some(call) if delta.index.is_some() || id.is_empty() => call,
            _ => {
                let call = Call { index: delta.index, id, name: String::new(), arguments: String::new() };
                self.0.push(call);
                let last = self.0.len() - 1;
                &mut self.0[last]
            }
        };
        let Some(function) = delta.function else { return };
        call.name.push_str(&function.name.unwrap_or_default());
        call.arguments.push_str(&function.arguments.unwrap_or_default());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the complete calls, in order.
    pub(super) fn finish(self) -> Result<Vec<ToolCall>, InvalidArguments> {
        let call = |(at, call): (usize, Call)| {
            Ok(ToolCall {
                // The id pairs a result with its call, so a missing one is generated.
                id: if call.id.is_empty() { format!("call_{at}") } else { call.id },
                name: call.name,
                input: arguments(&call.arguments)?,
                signature: None,
            })
        };
        self.0.into_iter().enumerate().map(call).collect()
    }
}

/// Parses the arguments. For a call without arguments, some models send an empty text.
fn arguments(text: &str) -> Result<Value, InvalidArguments> {
    if text.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(text).map_err(|_| InvalidArguments)
}
