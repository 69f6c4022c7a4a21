//! The call for text.

use std::fmt;
use std::future::IntoFuture;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::AiSession;
use super::generation::{Generation, generation_options, tool_options};
use super::model_choice::ModelChoice;
use super::prompt::Prompt;
use crate::ai::message::{Message, ToolCall};
use crate::ai::response::FinishReason;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;
use crate::records::CallType;
use crate::value::Cost;

impl AiSession {
    /// Generates text: `session.generate_text("gemini-2.5-flash", "Why?").await?`. Options are set before `.await`.
    pub fn generate_text(&self, model: impl Into<ModelChoice>, prompt: impl Into<Prompt>) -> GenerateText {
        GenerateText { generation: Generation::new(self, model.into(), prompt.into()) }
    }
}

/// A call for text, built by [`AiSession::generate_text`]. `.await` sends it and returns a [`TextResponse`].
#[must_use = "nothing is sent until it is awaited"]
pub struct GenerateText {
    generation: Generation,
}

impl GenerateText {
    generation_options!();
    tool_options!();
}

/// The text that a model generated, with its usage and cost.
#[derive(Clone, PartialEq)]
pub struct TextResponse {
    /// The text of the last step.
    pub text: String,
    /// The model's reasoning in all steps, if the provider returns it.
    pub reasoning: Option<String>,
    /// The tokens of all steps.
    pub usage: Usage,
    /// The exact cost of all steps.
    pub cost: Cost,
    /// The number of requests to the model: 1 without tools.
    pub steps: u32,
    /// The reason why the model stopped.
    pub finish_reason: FinishReason,
    /// Tool calls that were not executed because the step limit was reached.
    pub tool_calls: Vec<ToolCall>,
    /// The whole conversation including this response, from which the next call can continue.
    pub messages: Vec<Message>,
}

impl IntoFuture for GenerateText {
    type Output = Result<TextResponse, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { self.generation.prepare(CallType::Text, None)?.run().await }.boxed()
    }
}

impl fmt::Display for TextResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TextResponse {
    /// Shows no prompt and no response, since debug output reaches logs.
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

impl fmt::Debug for GenerateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateText").field("model", &self.generation.choice.key).finish_non_exhaustive()
    }
}
