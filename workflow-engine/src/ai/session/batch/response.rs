//! What became of one item.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ai::error::AiError;
use crate::ai::message::ToolCall;
use crate::ai::response::{FinishReason, GenerateResponse, Usage};
use crate::ai::session::schema::{Expected, read_object, read_plain, typed};
use crate::value::Cost;

/// What became of one item of a batch.
#[derive(Clone, Debug)]
pub struct BatchResponse {
    /// The item's id.
    pub custom_id: String,
    /// Its answer, or why it has none. An answer that breaks its schema is an error, and paid.
    pub outcome: Result<BatchContent, AiError>,
    /// What it took.
    pub usage: Usage,
    /// Exactly, at the price of a batch.
    pub cost: Cost,
}

/// The answer of one item.
#[derive(Clone, PartialEq)]
pub struct BatchContent {
    /// Its text; of an object, its JSON as the model has written it.
    pub text: String,
    /// What the model says of its reasoning, where it does.
    pub reasoning: Option<String>,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// Tools that it wants called.
    pub tool_calls: Vec<ToolCall>,
    object: Option<(Value, Expected)>,
}

impl BatchResponse {
    /// Its text.
    ///
    /// # Errors
    /// Why it has none.
    pub fn text(&self) -> Result<&str, AiError> {
        self.outcome.as_ref().map(|content| content.text.as_str()).map_err(Clone::clone)
    }

    /// Its value.
    ///
    /// # Errors
    /// Why it has none; [`AiErrorKind::InvalidResponse`](crate::ai::AiErrorKind::InvalidResponse) when it is no `T`.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, AiError> {
        let content = self.outcome.as_ref().map_err(Clone::clone)?;
        match &content.object {
            Some((value, expected)) => typed(value.clone(), expected),
            None => read_plain(&content.text, &self.custom_id),
        }
    }
}

impl BatchContent {
    pub(super) fn new(response: GenerateResponse, expected: Option<&Expected>) -> Result<Self, AiError> {
        let object = match expected {
            Some(expected) => {
                let value = read_object(&response.text, response.finish_reason, expected)?;
                Some((value, expected.clone()))
            }
            None => None,
        };
        Ok(Self {
            text: response.text,
            reasoning: response.reasoning,
            finish_reason: response.finish_reason,
            tool_calls: response.tool_calls,
            object,
        })
    }
}

impl fmt::Debug for BatchContent {
    /// Without what was answered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchContent")
            .field("characters", &self.text.chars().count())
            .field("finish_reason", &self.finish_reason)
            .finish_non_exhaustive()
    }
}
