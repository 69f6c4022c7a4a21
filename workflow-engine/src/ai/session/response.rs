//! What a call hands back.

use std::fmt;

use crate::ai::message::{Message, ToolCall};
use crate::ai::response::{FinishReason, Usage};
use crate::value::Cost;

/// Text that a model has answered, and what it took.
#[derive(Clone, PartialEq)]
pub struct TextResponse {
    /// The text of the last step.
    pub text: String,
    /// What the model says of its reasoning, in all steps, where it does.
    pub reasoning: Option<String>,
    /// Of all steps.
    pub usage: Usage,
    /// Of all steps, exactly.
    pub cost: Cost,
    /// How often the model was asked: 1 without tools.
    pub steps: u32,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// Tools that it still wants called, when its steps are at their end.
    pub tool_calls: Vec<ToolCall>,
    /// The whole conversation, this answer included: what to go on from.
    pub messages: Vec<Message>,
}

impl fmt::Debug for TextResponse {
    /// Without what was asked and answered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextResponse")
            .field("characters", &self.text.chars().count())
            .field("usage", &self.usage)
            .field("cost", &self.cost)
            .field("steps", &self.steps)
            .field("finish_reason", &self.finish_reason)
            .finish_non_exhaustive()
    }
}

/// A value that a model has answered, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectResponse<T> {
    /// The value.
    pub object: T,
    /// What the model says of its reasoning, in all steps, where it does.
    pub reasoning: Option<String>,
    /// Of all steps.
    pub usage: Usage,
    /// Of all steps, exactly.
    pub cost: Cost,
    /// How often the model was asked: 1 without tools.
    pub steps: u32,
}

impl fmt::Display for TextResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
