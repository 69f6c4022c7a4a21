//! Calls of tools, whole or in pieces.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ai::message::ToolCall;

/// A call, or a piece of one.
#[derive(Deserialize)]
pub(super) struct WireCall {
    /// Of a stream: which call it is a piece of.
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

/// The calls of one answer.
#[derive(Default)]
pub(super) struct Calls(Vec<Call>);

struct Call {
    index: Option<usize>,
    id: String,
    name: String,
    arguments: String,
}

/// The model has written arguments that are no JSON.
pub(super) struct NoJson;

impl Calls {
    pub(super) fn add(&mut self, piece: WireCall) {
        let id = piece.id.unwrap_or_default();
        // Some servers give every call the index 0, and a name of its own.
        let known = self.0.iter_mut().rev().find(|call| {
            let same_call = id.is_empty() || id == call.id;
            same_call && (piece.index.is_none() || piece.index == call.index)
        });
        let call = match known {
            Some(call) if piece.index.is_some() || id.is_empty() => call,
            _ => {
                let call = Call { index: piece.index, id, name: String::new(), arguments: String::new() };
                self.0.push(call);
                let last = self.0.len() - 1;
                &mut self.0[last]
            }
        };
        let Some(function) = piece.function else { return };
        call.name.push_str(&function.name.unwrap_or_default());
        call.arguments.push_str(&function.arguments.unwrap_or_default());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whole, in order.
    pub(super) fn finish(self) -> Result<Vec<ToolCall>, NoJson> {
        let call = |(at, call): (usize, Call)| {
            Ok(ToolCall {
                // A result is paired with its call by it, so there must be one.
                id: if call.id.is_empty() { format!("call_{at}") } else { call.id },
                name: call.name,
                input: arguments(&call.arguments)?,
                signature: None,
            })
        };
        self.0.into_iter().enumerate().map(call).collect()
    }
}

/// Without any, some models write nothing at all.
fn arguments(text: &str) -> Result<Value, NoJson> {
    if text.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(text).map_err(|_| NoJson)
}
